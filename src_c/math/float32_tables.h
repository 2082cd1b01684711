/* The constants of the functions of float32 (float32_functions.h, erf.h): minimax polynomials, fitted like those of
   float64_tables.h. Errors are relative ones of the rounded polynomial in exact arithmetic, in ulp of float32. */
#ifndef MG_SINGLE_TABLES_H
#define MG_SINGLE_TABLES_H

/* e^r - 1 = r + r^2 c(r) on [-ln2/2, ln2/2]. Error 0.004. */
static const double mg_short_expm1_c[] = {
    0x1.00000025f368ep-1, 0x1.555554ee33ce1p-3, 0x1.5554b11fc34fcp-5, 0x1.11118c0bd8944p-7, 0x1.6d7209690ff4fp-10,
    0x1.a02e39049cb62p-13,
};

/* ln(1 + f) = f + f^2 c(f) on [-1/4, 1/2]. Error 0.01. */
static const double mg_short_log_c[] = {
    -0x1.fffffef43ee61p-2, 0x1.55555b47c7f7ep-2, -0x1.0000c2c79d359p-2, 0x1.9997a07cc95e5p-3, -0x1.5509f6ed1d12fp-3,
    0x1.244a9bcd714bap-3, -0x1.051eeb668b685p-3, 0x1.e1808788792f7p-4, -0x1.75d5b7ae38db9p-4, 0x1.31b86f659b35p-5,
};

/* sin r = r (1 + z c(z)) and cos r = 1 - z/2 + z^2 c(z), z = r^2, on [0, pi/4]. Errors 0.0001 and 0.002. */
static const double mg_short_sin_c[] = {
    -0x1.5555554c70e79p-3, 0x1.11110869b7e5ep-7, -0x1.a00f7e9fbf03fp-13, 0x1.6cd1d1d632eb1p-19,
};
static const double mg_short_cos_c[] = {
    0x1.55554a107453cp-5, -0x1.6c0c3318d6457p-10, 0x1.99eb729e57f45p-16,
};

/* erf a = a + a c(a^2) on [0, 1], and the normal distribution function 1/2 + x c(x^2) on [-1, 1]. Errors 0.01, 0.24. */
static const float mg_erf_near[] = {
    0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f, 0x1.53f224p-8f, -0x1.a3515ep-11f, 0x1.4771fcp-14f,
};
static const float mg_normal_near[] = {
    0x1.988454p-2f, -0x1.1058c6p-4f, 0x1.46f24p-7f, -0x1.3a1342p-10f, 0x1.09d1d2p-13f, -0x1.b0fb8ap-17f,
};

/* Beyond, 1 - Phi(x) = exp(-x^2 / 2) c(t) / (x + 5/2), t = (x - 5/2) / (x + 5/2), for 1 <= x <= 14.3. Error 0.26. */
static const float mg_normal_far[] = {
    0x1.69cee6p-1f, -0x1.bc19cap-2f, 0x1.0e507ap-3f, 0x1.2eaec6p-7f, -0x1.0d1064p-6f, -0x1.9f7408p-10f,
    0x1.5f36bap-9f, 0x1.1cfeap-11f, -0x1.e39614p-12f,
};

#endif
