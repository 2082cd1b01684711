"""The golden runs: fixed trainings whose weights have one hash on every machine, and the hashes that they must give."""
