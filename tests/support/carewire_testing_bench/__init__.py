"""The report of `make bench`: figures as data, the page that is made of them, and what became worse since the last."""
