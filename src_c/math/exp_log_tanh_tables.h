/* The constants of exp, log and tanh: minimax polynomials in Horner order, coefficient k multiplies x^k.
   They were computed by the Remez algorithm with 50 digits, then rounded. Errors are relative ones of the rounded
   polynomial in exact arithmetic, for float32 and float64; in brackets in ulp of 1, which are 2^-23 and 2^-52. */
#ifndef MG_FUNCTION_TABLES_H
#define MG_FUNCTION_TABLES_H

/* ln 2 as the sum of two numbers; 1 / ln 2; and 1.5 * 2^23 or 1.5 * 2^52, whose addition rounds to a whole number. */
static const float mg_ln2_hi_f32 = 0x1.62e43p-1f, mg_ln2_lo_f32 = -0x1.05c61p-29f, mg_log2e_f32 = 0x1.715476p+0f;
static const double mg_ln2_hi_f64 = 0x1.62e42fefa39efp-1, mg_ln2_lo_f64 = 0x1.abc9e3b39803fp-56;
static const double mg_log2e_f64 = 0x1.71547652b82fep+0;
static const float mg_round_f32 = 0x1.8p+23f;
static const double mg_round_f64 = 0x1.8p+52;

/* exp is 0 below the first and infinite above the second. */
static const float mg_exp_range_f32[] = {-104, 89};
static const double mg_exp_range_f64[] = {-746, 710};

/* exp(r) = 1 + r + r^2 q(r) on [-ln2/2, ln2/2]. Error 3.8e-9 (0.03 ulp) and 1.1e-17 (0.05 ulp). */
static const float mg_exp_q_f32[] = {
    0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f2p-5f, 0x1.1239e2p-7f, 0x1.6a2448p-10f,
};

static const double mg_exp_q_f64[] = {
    0x1.000000000000ap-1, 0x1.55555555554fap-3, 0x1.555555555087cp-5, 0x1.1111111127be8p-7, 0x1.6c16c1842a14p-10,
    0x1.a01a012a56dcfp-13, 0x1.a0199a0c612b2p-16, 0x1.71df2554339d2p-19, 0x1.28ad72d2100b1p-22,
    0x1.ad7f6bc7bb0f1p-26,
};

/* log(1 + f) = f + f^2 q(f) on [-1/4, 1/2]. Error 8.0e-9 (0.07 ulp) and 1.3e-17 (0.06 ulp). */
static const float mg_log_q_f32[] = {
    -0x1p-1f, 0x1.5555a6p-2f, -0x1.000024p-2f, 0x1.99685ap-3f, -0x1.54f24p-3f, 0x1.2897b8p-3f, -0x1.0d9p-3f,
    0x1.abf698p-4f, -0x1.6fe612p-5f,
};

static const double mg_log_q_f64[] = {
    -0x1.ffffffffffffbp-2, 0x1.55555555555c4p-2, -0x1.0000000000dc5p-2, 0x1.999999998967bp-3, -0x1.55555553fdbeap-3,
    0x1.24924929f80c4p-3, -0x1.0000007807aebp-3, 0x1.c71c70ed78acep-4, -0x1.99996e0adad5p-4, 0x1.745ce3780b407p-4,
    -0x1.55598339498b8p-4, 0x1.3b1ff66af5dc4p-4, -0x1.2463c1a158f7fp-4, 0x1.1011985b7a0abp-4, -0x1.ffef31cd58eabp-5,
    0x1.f2aac25ebc706p-5, -0x1.e9a722671f82cp-5, 0x1.9faf3b84cdbf6p-5, -0x1.e0e93cf103e9ap-6, 0x1.07fbfdf62b753p-7,
};

/* tanh |x| by a table of polynomials in t = |x| - center, one column per interval, up to where it rounds to 1. The
   number of the column is the difference of the bits of |x| + offset and of offset, shifted: half octaves of the sum
   in float32, quarters in float64, so that intervals are short where tanh bends and longer where it levels off. A
   center is a number near the middle of its interval where tanh is close to a float of the precision, so that
   rounding coefficient 0 adds little error. Column 0 is x + x^2(...). Intervals of float32 start at 0, .25, .61,
   1.11, 1.83, 2.83, 4.27, 6.27; error 8.0e-9 (0.07 ulp). Those of float64 start at 0, .25, .5, .81, 1.3, 1.8, 2.3,
   2.9, 3.9, 4.9, 5.9, 7.2, 9.2, 11, 13, 16; error 5.3e-17 (0.24 ulp). */
static const float mg_tanh_offset_f32 = 0.609375f, mg_tanh_top_f32 = 9.125f;
static const double mg_tanh_offset_f64 = 1.3125, mg_tanh_top_f64 = 19.25;
enum { mg_tanh_shift_f32 = 22, mg_tanh_shift_f64 = 50, mg_tanh_degree_f32 = 7, mg_tanh_degree_f64 = 13 };
static const float mg_tanh_center_f32[] = {
    0, 0x1.b800c4p-2f, 0x1.b8024p-1f, 0x1.78002ep+0f, 0x1.2a01p+1f, 0x1.c602p+1f, 0x1.4cbdaep+2f, 0x1.0a2b24p+3f,
};
static const float mg_tanh_c_f32[][8] = {
    {0, 0x1.9ec8b8p-2f, 0x1.6452d2p-1f, 0x1.cc7632p-1f, 0x1.f65cb2p-1f, 0x1.ff268ep-1f, 0x1.fff802p-1f,
     0x1.fffffcp-1f},
    {1, 0x1.abfe46p-1f, 0x1.0804c6p-1f, 0x1.878e0cp-3f, 0x1.3182aap-5f, 0x1.b2878p-9f, 0x1.ff81dap-14f,
     0x1.017a66p-22f},
    {-0x1.48d704p-25f, -0x1.5aba5cp-2f, -0x1.6f7c2cp-2f, -0x1.6023d6p-3f, -0x1.2bc1aep-5f, -0x1.b1d64p-9f,
     -0x1.ffbbc8p-14f, -0x1.f5246cp-23f},
    {-0x1.555494p-2f, -0x1.21c424p-3f, 0x1.3ef32p-4f, 0x1.745a4p-4f, 0x1.808c96p-6f, 0x1.2042b8p-9f,
     0x1.54aa84p-14f, 0x1.444268p-23f},
    {-0x1.29b288p-14f, 0x1.5c7c5ep-3f, 0x1.0c30dcp-4f, -0x1.90b26p-6f, -0x1.633b7p-7f, -0x1.1dacaap-10f,
     -0x1.516064p-15f, -0x1.af5738p-24f},
    {0x1.12afc4p-3f, -0x1.9aa43ep-9f, -0x1.ec1cb8p-5f, -0x1.0b8614p-8f, 0x1.dd5ad4p-9f, 0x1.c34406p-12f,
     0x1.12a7cap-16f, 0x1.262b38p-25f},
    {-0x1.15fa68p-8f, -0x1.fb54fap-5f, 0x1.611b0cp-7f, 0x1.0cdf76p-7f, -0x1.7540a2p-11f, -0x1.36b2bcp-13f,
     -0x1.9c3ccp-18f, 0x1.6c000cp-27f},
    {-0x1.6c5cfcp-5f, 0x1.477842p-6f, 0x1.a30c96p-7f, -0x1.0d9a24p-8f, -0x1.cf5caep-15f, 0x1.4adb96p-15f,
     0x1.9e4476p-20f, 0x1.d42416p-27f},
};
static const double mg_tanh_center_f64[] = {
    0, 0x1.800000000005dp-2, 0x1.5000000000082p-1, 0x1.10000000000d5p+0, 0x1.9000000000172p+0, 0x1.0800000000032p+1,
    0x1.500000000015dp+1, 0x1.b80000000007dp+1, 0x1.1c000000000cep+2, 0x1.5c000000000e8p+2, 0x1.a40000000018fp+2,
    0x1.06p+3, 0x1.460000000018fp+3, 0x1.860000000018fp+3, 0x1.ce0000000018fp+3, 0x1.1841a4bab2d6dp+4,
};
static const double mg_tanh_c_f64[][16] = {
    {0, 0x1.6ef53de8c9001p-2, 0x1.26d76f732341ep-1, 0x1.92bfb370d9c14p-1, 0x1.d4e6f46428728p-1,
     0x1.efb63c1f339a5p-1, 0x1.faa7934b75edap-1, 0x1.fef16825d225dp-1, 0x1.ffdb58b308063p-1, 0x1.fffb09f46dc8dp-1,
     0x1.ffff7a22cde86p-1, 0x1.fffffacf3c8dbp-1, 0x1.ffffffe7a9b05p-1, 0x1.ffffffff8de35p-1, 0x1.fffffffffebb8p-1,
     0x1.ffffffffffff5p-1},
    {1, 0x1.be3fbb015a575p-1, 0x1.56363b5b938d3p-1, 0x1.866160e453f1bp-2, 0x1.4a45842b7dab2p-3,
     0x1.007707172fd4fp-4, 0x1.5452008309d09p-6, 0x1.0e5059034735cp-8, 0x1.252fe8c9d7fd4p-11,
     0x1.3d815ac05f0c3p-14, 0x1.0bba412f7e1b7p-17, 0x1.4c30dae500371p-22, 0x1.8564fb24873f8p-28,
     0x1.c872d2dd75c65p-34, 0x1.44861af98bf95p-40, 0x1.600003d07f655p-49},
    {0x1.b93c0128d0437p-51, -0x1.3fd54e226f92bp-2, -0x1.8a2244b272987p-2, -0x1.33149f3801a33p-2,
     -0x1.2e7885afdd1afp-3, -0x1.f09cb79007b92p-5, -0x1.50c46d285ef88p-6, -0x1.0dc17c78765f5p-8,
     -0x1.251aeb9e46939p-11, -0x1.3d7e472955cfcp-14, -0x1.0bb9fb2feeeb8p-17, -0x1.4c30d78230eep-22,
     -0x1.8564fb0c82041p-28, -0x1.c872d2d69a30ep-34, -0x1.44861ab3a0233p-40, -0x1.5fffeae3304f4p-49},
    {-0x1.55555555563e5p-2, -0x1.6dc4f6e8f8874p-3, -0x1.2ca2f101df6cap-10, 0x1.bdb6d4c94415p-4,
     0x1.4dd6dd51d4579p-4, 0x1.35d640c380d14p-5, 0x1.b79f5bfc5f152p-7, 0x1.6630462fc56b6p-9, 0x1.86969a0ad69cbp-12,
     0x1.a74ad55e4858dp-15, 0x1.64f73eebed5d3p-18, 0x1.baebc1071beb5p-23, 0x1.0398a7447ea08p-28,
     0x1.304c8c8df444fp-34, 0x1.b0b2ce38528d3p-41, 0x1.d554f9a6815abp-50},
    {0x1.5719f5db80fa4p-36, 0x1.584c5e7f1a9c8p-3, 0x1.081bc342271c4p-3, 0x1.d6ab2a6ed8dd4p-7,
     -0x1.a05d3ada48847p-6, -0x1.0ce2b145688a2p-6, -0x1.a50adad77a7b4p-8, -0x1.63394b04b3838p-10,
     -0x1.8626b8283f058p-13, -0x1.a73a6d2ff5489p-16, -0x1.64f5c99c2f816p-19, -0x1.baebb07daac2dp-24,
     -0x1.0398a7e918fc7p-29, -0x1.304c8d87b4ef8p-35, -0x1.b0b2dbc7b4475p-42, -0x1.d557557868742p-51},
    {0x1.111110f16baf4p-3, 0x1.31a9afcb9ee5bp-6, -0x1.e38db4a98694ap-5, -0x1.404d103ba98ccp-5,
     -0x1.459b652aacbc6p-12, 0x1.32482550f8012p-8, 0x1.33a19c05fdb75p-9, 0x1.1773b2b500fc5p-11,
     0x1.376c0c566b2c3p-14, 0x1.527ae449b5078p-17, 0x1.1d8f18c7385dcp-20, 0x1.62560a1344bep-25,
     0x1.9f5aa5aa3d9dap-31, 0x1.e6e0e276e3777p-37, 0x1.5a28b0064917cp-43, 0x1.777beb8a5082fp-52},
    {0x1.b543e52fb4b89p-26, -0x1.1d58913d4cd03p-4, -0x1.1f814d623198cp-6, 0x1.3c47dac77c17cp-6,
     0x1.66b3069ee3aep-8, -0x1.a4f8bca6e55a9p-12, -0x1.4e609be56e6e5p-11, -0x1.681022c5fef7p-13,
     -0x1.9d5dee36cd314p-16, -0x1.c30887a096a6cp-19, -0x1.7cb8919eda238p-22, -0x1.d87221cf4b0e7p-27,
     -0x1.14e6ed0d14976p-32, -0x1.4495b99be414ep-38, -0x1.cd89d4b07bdd3p-45, -0x1.f47ecebcea697p-54},
    {-0x1.ba1c9198bf527p-5, 0x1.a7c69d3b04effp-7, 0x1.d056ae39b91ddp-6, -0x1.1b792bd3c1044p-11,
     -0x1.c2c85c64544f1p-9, -0x1.e38fec1b60e72p-12, 0x1.afc98eca8eb76p-14, 0x1.7f106e49c5567p-15,
     0x1.d42aad4bb8709p-18, 0x1.016bc097099aap-20, 0x1.b30ddb8bcdffp-24, 0x1.0df7bc16f38eep-28,
     0x1.3c759fa936ab7p-34, 0x1.72f442320e7cp-40, 0x1.07bc7b4f07f14p-46, 0x1.1de353bc696edp-55},
    {0x1.5db8b1f0ec4dep-18, 0x1.789196e3758bcp-6, -0x1.bd0b3e6575a08p-8, -0x1.4b534dd0e846p-8,
     0x1.194f7cc1c1636p-10, 0x1.689e62e9dbb29p-12, 0x1.804cfd972bec9p-17, -0x1.46db862e1436cp-17,
     -0x1.cbac91660375dp-20, -0x1.00cbe4d3f99d2p-22, -0x1.b2f205a8d3accp-26, -0x1.0dfde53bdf9b2p-30,
     -0x1.3c7da50733b02p-36, -0x1.72fdad8c3dce5p-42, -0x1.07d7275d216bap-48, -0x1.1f04ab5fc0bfap-57},
    {0x1.65a25abca1503p-6, -0x1.7b22ad40547ccp-7, -0x1.b75f23dab41fbp-8, 0x1.9b63a27594d3p-9,
     0x1.33d7dba479aacp-16, -0x1.2a3290a2ce78bp-13, -0x1.25709c26bd5c8p-16, 0x1.80d2b9c19c80cp-20,
     0x1.8989a23759688p-22, 0x1.c64e6ed2df387p-25, 0x1.826ba788382f8p-28, 0x1.dff9a7f6d5dep-33,
     0x1.19531fbc5a711p-38, 0x1.49c4f110fae6ep-44, 0x1.d50c200216c18p-51, 0x1.002853bcdaafap-59},
    {0x1.cfd5be0bccb53p-13, -0x1.678150fb39ec2p-8, 0x1.608a258b11a48p-8, -0x1.d4fe4873e3b99p-12,
     -0x1.e37a55ea9bbd1p-13, 0x1.2e45cd75485edp-15, 0x1.1f68df5976636p-17, -0x1.e291dc37b0108p-29,
     -0x1.22e823cb51abap-24, -0x1.67d845368c966p-27, -0x1.34aca7fa9f139p-30, -0x1.7eadac73ccea3p-35,
     -0x1.c09bde68ebfc9p-41, -0x1.06ee2206bddcfp-46, -0x1.7407d864e2dadp-53, -0x1.889032d597b81p-62},
    {-0x1.3c1daf63642f2p-7, 0x1.8a1472627d434p-8, -0x1.fd4e4ec95bb02p-14, -0x1.3fa83b1fb9b1ap-11,
     0x1.2bf93bc8a5eefp-13, -0x1.fd7eecac8eb94p-21, -0x1.895054c019516p-19, -0x1.a699e36f76aeep-24,
     0x1.61dff8d1f368bp-27, 0x1.008f93cf5a316p-29, 0x1.c01252d1bc76dp-33, 0x1.164d156808bbdp-37,
     0x1.4645ce9df03ffp-43, 0x1.7e7549d959cbep-49, 0x1.0e97ec770e5c6p-55, 0x1.1447e40f24912p-64},
    {0x1.bf886d19e68f2p-10, 0x1.a63738b0f2ab1p-12, -0x1.d2c6b668e48aep-10, 0x1.ebd3605c75f94p-12,
     -0x1.5f667c43ad852p-15, -0x1.5191ad3d55ad7p-18, 0x1.81d488269d46dp-21, 0x1.b7f7d217b7a81p-25,
     -0x1.0fdd3fc83fd36p-30, -0x1.4d04264bbb33fp-32, -0x1.3257673882cb7p-35, -0x1.9177096fdab97p-40,
     -0x1.d6c7ee71d80a5p-46, -0x1.13ed4a0ef49a7p-51, -0x1.995db634b6885p-58, -0x1.f2f29675e4e45p-67},
    {0x1.ca417b508231bp-10, -0x1.377c9de64b618p-9, 0x1.abd8377eda788p-11, -0x1.9c6af71ef2436p-14,
     -0x1.5d50d5b39c04dp-19, 0x1.a517334656636p-19, -0x1.70995ba6c0fedp-24, -0x1.2127d46ee5faap-26,
     -0x1.22677310f8e6ap-34, 0x1.756b9edb3dd81p-35, 0x1.759323745766ep-38, 0x1.edad2c764f5e7p-43,
     0x1.2191b6d67c14fp-48, 0x1.537027997a34fp-54, 0x1.f774a882bdf09p-61, 0x1.5282d85a1a5d1p-69},
};

#endif
