"""The data that minigrad ships; beside each file stands where it comes from and its licence."""
