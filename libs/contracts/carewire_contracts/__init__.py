"""What Carewire's services say to each other, and to the teams downstream of them.

No I/O, no clock, no randomness: plain models and pure functions that anyone can install and use.
"""
