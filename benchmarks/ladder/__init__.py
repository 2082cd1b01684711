"""The ladder of a matrix product, rung by rung: what each idea in src_c/matmul/matmul.c is worth on this machine."""
