"""What is done to data before training: splits, scaling, missing values, labels, targets."""
