/* The constants of exponential.h, trigonometric.h, erf.h and gelu.h: polynomials in Horner order, coefficient k
   multiplies x^k. They are minimax by the Remez algorithm, or nearly so by weighted least squares, with 45 digits; the
   coefficients were rounded one by one, and after each the later ones were fitted again. Errors are relative ones of
   the rounded polynomial in exact arithmetic, in units of 2^-52. */
#ifndef MG_ELEMENTARY_TABLES_H
#define MG_ELEMENTARY_TABLES_H
#include <stdint.h>

/* pi/2 and ln 2 as sums of numbers, each of which is the rest, rounded; the first of ln 2 has 42 bits, so that its
   product with an exponent is exact. 1/3 and 1/ln 2 likewise. */
static const double mg_half_pi[] = {
    0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110,
};
static const double mg_ln2_parts[] = {
    0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45, 0x1.f97b57a079a19p-103,
};
static const double mg_third[] = {
    0x1.5555555555555p-2, 0x1.5555555555555p-56,
};
static const double mg_log2e_parts[] = {
    0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56,
};
static const double mg_two_over_pi = 0x1.45f306dc9c883p-1;

/* The bits of 2/pi behind the point, after 64 zeros. */
static const uint64_t mg_two_over_pi_bits[] = {
    0,
    0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484,
    0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d, 0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab, 0xf0cfbc209af4361d,
};

/* e^r - 1 = r + r^2 / 2 + r^3 c(r) on [-ln2/2, ln2/2]. Error 0.00. */
static const double mg_expm1_c[] = {
    0x1.5555555555559p-3, 0x1.5555555555559p-5, 0x1.111111110f4d2p-7, 0x1.6c16c16c07419p-10, 0x1.a01a01b13c713p-13,
    0x1.a01a022a6d499p-16, 0x1.71ddf3a5aac66p-19, 0x1.27e360a9b09dbp-22, 0x1.af68c11d93203p-26, 0x1.2232b967ed97bp-29,
};

/* artanh s = s (1 + z/3 + z^2 c(z)), z = s^2, |s| <= 1/5. Error 2^-69. */
static const double mg_artanh_c[] = {
    0x1.9999999999967p-3, 0x1.2492492498f1dp-3, 0x1.c71c71bc4e2b2p-4, 0x1.745d1bd1886c7p-4, 0x1.3b129634beb6ap-4,
    0x1.113a562018ae7p-4, 0x1.dac9343ea0b32p-5, 0x1.0193a8553f925p-4,
};

/* sin r = r + r z c(z) and cos r = 1 - z/2 + z^2 c(z), z = r^2, on [0, pi/4]. Errors 0.02 and 0.00. */
static const double mg_sin_c[] = {
    -0x1.5555555555548p-3, 0x1.111111110f72ep-7, -0x1.a01a019be8a23p-13, 0x1.71de355491967p-19, -0x1.ae5e4af4b80ffp-26,
    0x1.5d8b2833f7092p-33,
};
static const double mg_cos_c[] = {
    0x1.555555555554bp-5, -0x1.6c16c16c15013p-10, 0x1.a01a019c8ec83p-16, -0x1.27e4f7f133fefp-22, 0x1.1ee9db8092b35p-29,
    -0x1.8fa65515e652ep-37,
};

/* arctan t = t + t z c(z), z = t^2, |t| <= sqrt(2) - 1. Error 0.01. */
static const double mg_atan_c[] = {
    -0x1.555555555553dp-2, 0x1.9999999995854p-3, -0x1.24924922ac194p-3, 0x1.c71c70e552e23p-4, -0x1.745cf8c1d6ffap-4,
    0x1.3b1116f7fdf0bp-4, -0x1.10eb9d40c8716p-4, 0x1.df0da227af371p-5, -0x1.9ccaca369ee91p-5, 0x1.37c070c82f05ap-5,
    -0x1.2539ffee677e4p-6,
};

/* sinh x = x + x z c(z), z = x^2, on [0, 1]. Error 0.00. */
static const double mg_sinh_c[] = {
    0x1.5555555555556p-3, 0x1.111111111101ep-7, 0x1.a01a01a0371fap-13, 0x1.71de3a3b13692p-19, 0x1.ae646fe4ce9f5p-26,
    0x1.6116fd2b3595p-33, 0x1.b5c5742f3a187p-41,
};

/* erf |x| by a table of polynomials in t = |x| - center, one column per interval of width 32/83 = 0.386 around the
   multiples of that width, up to where erf rounds to 1. A center is a number near the middle of its interval where erf
   is close to a float64, so that rounding coefficient 0 adds little error. Error 0.06. */
static const double mg_erf_columns = 2.59375, mg_erf_top = 5.93;
static const double mg_erf_center[] = {
    0, 0x1.8acb90f6bf322p-2, 0x1.8acb90f6bf379p-1, 0x1.2818acb90f6a9p+0, 0x1.8acb90f6bf37cp+0, 0x1.ed7e75346f079p+0,
    0x1.2818acb90f65cp+1, 0x1.59721ed7e74c9p+1, 0x1.8acb90f6bf928p+1, 0x1.bc25031599359p+1, 0x1.ed7e753453ce1p+1,
    0x1.0f6bf3a70445cp+2, 0x1.2818aca75a846p+2, 0x1.40c569fa55a65p+2, 0x1.597255c01d9fdp+2, 0x1.714fbd103624ap+2,
};
enum { mg_erf_degree = 13 };
static const double mg_erf_c[][16] = {
    {0, 0x1.a85b4f951445ap-2, 0x1.72f1505bbcd7p-1, 0x1.cbd3e9e0f9db7p-1, 0x1.f10e71788e22cp-1, 0x1.fcb83b8a1d7a7p-1,
     0x1.ff73bf8903f08p-1, 0x1.ffee455061682p-1, 0x1.fffe4f613304dp-1, 0x1.ffffe0fe1faf9p-1, 0x1.fffffe551a3a7p-1,
     0x1.ffffffeecd1ecp-1, 0x1.ffffffff7b49dp-1, 0x1.fffffffffd02ap-1, 0x1.fffffffffff32p-1, 0x1.ffffffffffffdp-1},
    {0x1.20dd750429b6dp+0, 0x1.f1eeaa644ad4ap-1, 0x1.3eca80e4664e2p-1, 0x1.2f3923a6b5fcap-2, 0x1.ac7d164a55db9p-4,
     0x1.c1c96b0cb6b76p-6, 0x1.5eb92b005c576p-8, 0x1.964be8d005253p-11, 0x1.5da1fc118708p-14, 0x1.befe7393b8152p-18,
     0x1.a88101cb1eccbp-22, 0x1.2b78255864c02p-26, 0x1.39dd8f29c6f9fp-31, 0x1.e8b5a2094646fp-37,
     0x1.1a9891ffcc4edp-42, 0x1.1906b8fa7c2f4p-48},
    {0, -0x1.7ff2a23ad3e1cp-2, -0x1.eba12978e7c85p-2, -0x1.5eb74b29b08eap-2, -0x1.4a669f1138f0ep-3,
     -0x1.b187891bad06p-5, -0x1.95a7e7b6649f5p-7, -0x1.1220b5c0c8e67p-9, -0x1.0d98a9b0fc652p-12,
     -0x1.83c0f84ecccffp-16, -0x1.99291126643c3p-20, -0x1.3d8277c6994f1p-24, -0x1.6b066dfbb1ed9p-29,
     -0x1.322df450846e3p-34, -0x1.7d55d359f956fp-40, -0x1.956a393f0bc7ap-46},
    {-0x1.812746b037808p-2, -0x1.d289f9b07aaf8p-3, 0x1.41953df47b0cdp-5, 0x1.52b6e3db6ee3ap-3, 0x1.0c4643ced3ccbp-3,
     0x1.e22e8a503a433p-5, 0x1.1b916551c0316p-6, 0x1.cb5a0d4fb0dfdp-9, 0x1.069b796bb8d08p-11, 0x1.addc8f54ddc8fp-15,
     0x1.fc2417a2b88adp-19, 0x1.b45eff235faedp-23, 0x1.1162556bd0526p-27, 0x1.f558f3f7f4b39p-33,
     0x1.512978d09e42dp-38, 0x1.800d73eb33fd7p-44},
    {0, 0x1.59e6818e1b9d1p-3, 0x1.28c1cfc3d79a6p-3, 0x1.2f6bc6fdc6315p-6, -0x1.82ea1be56eda7p-5,
     -0x1.403e64fa13306p-5, -0x1.045f7626f44d8p-6, -0x1.083c726653f4dp-8, -0x1.680d53ead5339p-11,
     -0x1.549442a192d0ap-14, -0x1.c7ad808802a26p-18, -0x1.b433092351f0cp-22, -0x1.2d13c7cd08eb1p-26,
     -0x1.2d56fce16a9dep-31, -0x1.b713e6207ddefp-37, -0x1.0c934b8bca47dp-42},
    {0x1.ce2f219fb27fcp-4, 0x1.5a78d8029f92cp-5, -0x1.ce982efaa6d2p-5, -0x1.dca570cf67421p-5, -0x1.4d0482cdc5dd1p-7,
     0x1.991f1ce1ee357p-7, 0x1.37b4b862f037fp-7, 0x1.b0b097162aa45p-9, 0x1.6d6d3675b2285p-11, 0x1.983a6b606f146p-14,
     0x1.394161a4ec2dap-17, 0x1.5140d8fe8335fp-21, 0x1.0215565354a75p-25, 0x1.1b43f43cd2f5dp-30,
     0x1.c0b4d2cd10915p-36, 0x1.278f796e26d33p-41},
    {0, -0x1.9d7caa06c6ap-5, -0x1.8b483e2afd05ap-6, 0x1.1e9f47f2a37eep-6, 0x1.23f3044ff2f7cp-6, 0x1.3ad0ddabd0dd1p-9,
     -0x1.95f1afdbe767bp-9, -0x1.f0a46a3970b9fp-10, -0x1.17af8e5f322d8p-11, -0x1.7d58b135dc478p-14,
     -0x1.55d1f7a86b92bp-17, -0x1.a2998b6176116p-21, -0x1.65dd48ec899c7p-25, -0x1.b1116ad2b71dp-30,
     -0x1.7662670d6e06cp-35, -0x1.0a5986d990485p-40},
    {-0x1.b82ce20fd27d4p-6, -0x1.2790daba2d19bp-8, 0x1.335e1c6ec0837p-6, 0x1.08830380f98a8p-7, -0x1.63f979b9470e3p-8,
     -0x1.19841caca7ea9p-8, -0x1.c8ff99b384f7bp-13, 0x1.61d211de35235p-11, 0x1.3eed6ede0faa4p-12,
     0x1.18de114c16706p-14, 0x1.2df27404195e2p-17, 0x1.aaebad2c91f54p-21, 0x1.9b990b0538783p-25,
     0x1.145b93953787bp-29, 0x1.05f958d744aa4p-34, 0x1.93f26b5173bcap-40},
    {0, 0x1.70a94e52edd13p-7, 0x1.973a9015a7173p-10, -0x1.8ea591cee0177p-8, -0x1.c3ff297354e4cp-10,
     0x1.97c2b4c0e0c2fp-10, 0x1.9e063ea622893p-11, -0x1.9e02ba9390618p-15, -0x1.f83800ddd9a39p-14,
     -0x1.43da92126718bp-15, -0x1.b39271e11ecf5p-18, -0x1.6af063151b062p-21, -0x1.8f61b530f1bb1p-25,
     -0x1.2be23c485120cp-29, -0x1.3967c0ab8f6f7p-34, -0x1.06d730405ae1bp-39},
    {0x1.565af8f853db7p-8, -0x1.6cb5914292705p-14, -0x1.0082017a21688p-8, -0x1.9c2a6f07c41c8p-18,
     0x1.afc52db22a9ccp-10, 0x1.623e508bff0eap-13, -0x1.7d3bac2d492c1p-12, -0x1.aa3d70a6fa445p-14,
     0x1.862a080224ab4p-16, 0x1.18fc2237a4775p-16, 0x1.ff839df7acd4fp-19, 0x1.0308c8323727ap-21,
     0x1.4a93390fce46fp-25, 0x1.1844beaee87e7p-29, 0x1.44f99a3d0bf98p-34, 0x1.29d0e852ebd6ap-39},
    {0, -0x1.053ffe71fdef6p-9, 0x1.572f3d5f82fbap-12, 0x1.1bd7be5367bp-10, -0x1.a65f030c5a5e4p-13,
     -0x1.66444cf0acf19p-12, 0x1.d266c325eb3bcp-16, 0x1.0ae1de4dcf03bp-14, 0x1.d79ca0c7c5e4ap-18,
     -0x1.3f6f4d6af72d5p-18, -0x1.df2431b2dec51p-20, -0x1.365b7078b7cdap-22, -0x1.d59a82b58237bp-26,
     -0x1.c6eb44a776a3ap-30, -0x1.26b3207b6db62p-34, -0x1.289ee86288e57p-39},
    {-0x1.bf8a8943266dp-11, 0x1.420b6a7504747p-13, 0x1.379adf4bab6cap-11, -0x1.db3882c85543ap-13,
     -0x1.bec9c3d8bf6adp-13, 0x1.824c7ca408b0fp-14, 0x1.90f82a74d2bb6p-15, -0x1.e994b7d0f26b5p-17,
     -0x1.03ef1e477527cp-17, 0x1.195c603914838p-22, 0x1.50ebbf05be986p-21, 0x1.351ceaaa29de7p-23,
     0x1.1eea2f0290b63p-26, 0x1.42faffc3e74fap-30, 0x1.d85fd5a7caac1p-35, 0x1.05431ecaee4bp-39},
    {0, 0x1.2d7a3edd56441p-12, -0x1.01e3138017f1bp-13, -0x1.f5106cd6d8eb7p-14, 0x1.5eb224105dfabp-14,
     0x1.79296b745a62cp-16, -0x1.762217282b6a5p-16, -0x1.a9a381867e17ep-19, 0x1.8328dd9798f8cp-19,
     0x1.3832ca97644dfp-21, -0x1.16c5ac5325ce4p-23, -0x1.f4ef9cddb0916p-25, -0x1.3269464b40df4p-27,
     -0x1.9f64f4b4b78cap-31, -0x1.5f9480f88a745p-35, -0x1.b0bd815cdaa67p-40},
    {0x1.c7a10a59002a7p-14, -0x1.27e2b099262dap-15, -0x1.17a93a16bf6ccp-14, 0x1.b3ecc06584088p-15,
     0x1.522dcc1bc341ep-17, -0x1.451f7afd70788p-16, 0x1.4206f6b098dadp-20, 0x1.bdc90351f405dp-19,
     -0x1.2446428ada751p-22, -0x1.6e48d516d57a1p-22, -0x1.8100fc076e876p-27, 0x1.2b85a2759190ap-26,
     0x1.0d278ee84ae72p-28, 0x1.c162132eb7e13p-32, 0x1.b97e2e6815682p-36, 0x1.51506f0e0ad12p-40},
};

/* GELU: 1 / sqrt(2 pi); c = 2 sqrt(2 / pi) and d = 0.044715 c. */
static const double mg_by_root_2_pi = 0.3989422804014327, mg_gelu_c = 1.5957691216057308, mg_gelu_d = 0.07135481627260025;

#endif
