"""Linear models down a path of λ, beside packages for them."""
