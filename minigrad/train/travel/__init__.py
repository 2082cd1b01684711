"""Time travel: a training that was recorded is opened at any of its steps, with the bits that it had there."""
