"""What end-to-end tests share: the whole house, as third parties, care teams and subscribers see it."""
