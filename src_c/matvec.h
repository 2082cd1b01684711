/* n = 1: c = a b for a vector b. Included by matmul.c, once per precision.
   One chain of fma per element would leave the processor waiting, so a chunk is 32 chains: lane l is k = l, l+32, ... */

/* Products with a vector, plainly for now by lanes. */
static void FN(matvec)(const mg_matmul_args *p) {
    for (size_t i = 0; i < p->m; i++) {
        real sum = 0;
        const real *a = (const real *)p->a + (ptrdiff_t)i * p->a_row, *b = p->b;
        for (size_t first = 0; first < p->k; first += FN(chunk)) {
            real lane[32] = {0};
            const size_t end = p->k - first < FN(chunk) ? p->k : first + FN(chunk);
            for (size_t k = first; k < end; k++)
                lane[k % 32] = REAL_FMA(a[(ptrdiff_t)k * p->a_col], b[(ptrdiff_t)k * p->b_row], lane[k % 32]);
            for (int half = 16; half > 0; half /= 2)
                for (int l = 0; l < half; l++) lane[l] += lane[l + half];
            sum = first == 0 ? lane[0] : sum + lane[0];
        }
        real *c = (real *)p->c + (ptrdiff_t)i * p->c_row;
        if (p->bias) sum += *(const real *)p->bias;
        if (p->activation == MG_ACT_RELU) sum = sum > 0 || sum != sum ? sum : 0;
        *c = p->accumulate ? *c + sum : sum;
    }
}
