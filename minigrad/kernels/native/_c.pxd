# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "penalty/group_norms.h" nogil:
    ctypedef struct mg_group_norms_layout:
        size_t count, m, stride, next
    ctypedef struct mg_metric:
        double lr, root, eps, scale
    ctypedef struct mg_group_norms_table:
        void group_norm_f32(mg_group_norms_layout layout, const float *v, double *norm) noexcept nogil
        void group_norm_f64(mg_group_norms_layout layout, const double *v, double *norm) noexcept nogil
        void group_soft_threshold_f32(mg_group_norms_layout layout, const float *v, const float *step, double l1,
            double strength, float *out) noexcept nogil
        void group_soft_threshold_f64(mg_group_norms_layout layout, const double *v, const double *step, double l1,
            double strength, double *out) noexcept nogil
        void group_limit_f32(mg_group_norms_layout layout, const float *v, double low, double high, float *out) noexcept nogil
        void group_limit_f64(mg_group_norms_layout layout, const double *v, double low, double high, double *out) noexcept nogil
        void group_level_f32(mg_group_norms_layout layout, float *w, const float *before, const float *square,
            const mg_metric *metric, float *step) noexcept nogil
        void group_level_f64(mg_group_norms_layout layout, double *w, const double *before, const double *square,
            const mg_metric *metric, double *step) noexcept nogil
    const mg_group_norms_table *const *mg_group_norms_tables

cdef extern from "base/operand.h" nogil:
    ctypedef struct mg_operand:
        const char *p
        Py_ssize_t row, col
    ctypedef void (*mg_mapper_f32)(
        int op, size_t rows, size_t n, mg_operand a, mg_operand b, float *out
    ) noexcept nogil
    ctypedef void (*mg_mapper_f64)(
        int op, size_t rows, size_t n, mg_operand a, mg_operand b, double *out
    ) noexcept nogil

cdef extern from "elementwise/elementwise.h" nogil:
    enum:
        mg_op_copy, mg_op_neg, mg_op_abs, mg_op_sign, mg_op_sqrt, mg_op_exp, mg_op_log, mg_op_tanh, mg_op_sigmoid
        mg_op_relu, mg_op_add, mg_op_sub, mg_op_mul, mg_op_div, mg_op_relu_grad, mg_op_tanh_grad, mg_op_sigmoid_grad
    ctypedef struct mg_elementwise_table:
        mg_mapper_f32 map_f32
        mg_mapper_f64 map_f64
        void convert_f32(size_t rows, size_t n, mg_operand x, double *out) noexcept nogil
        void convert_f64(size_t rows, size_t n, mg_operand x, float *out) noexcept nogil
    const mg_elementwise_table *const *mg_elementwise_tables

cdef extern from "elementwise/elementary.h" nogil:
    enum:
        mg_elementary_expm1, mg_elementary_log1p, mg_elementary_log2, mg_elementary_sin, mg_elementary_cos
        mg_elementary_tan, mg_elementary_sinh, mg_elementary_cosh, mg_elementary_asinh, mg_elementary_atan
        mg_elementary_erf, mg_elementary_normal_cdf, mg_elementary_softplus, mg_elementary_floor, mg_elementary_ceil
        mg_elementary_gelu, mg_elementary_gelu_tanh, mg_elementary_pow, mg_elementary_atan2, mg_elementary_hypot
        mg_elementary_logaddexp, mg_elementary_maximum, mg_elementary_minimum, mg_elementary_step
        mg_elementary_leaky_relu, mg_elementary_leaky_slope, mg_elementary_gelu_grad, mg_elementary_gelu_tanh_grad
    ctypedef struct mg_elementary_table:
        mg_mapper_f32 map_f32
        mg_mapper_f64 map_f64
        void where_f32(size_t n, const uint8_t *c, const float *a, size_t a_step, const float *b, size_t b_step,
            float *out) noexcept nogil
        void where_f64(size_t n, const uint8_t *c, const double *a, size_t a_step, const double *b, size_t b_step,
            double *out) noexcept nogil
    const mg_elementary_table *const *mg_elementary_tables

cdef extern from "gather/gather.h" nogil:
    ctypedef struct mg_gather_table:
        void take(size_t n, size_t bytes, const char *x, const int64_t *index, char *out) noexcept nogil
        void place(size_t rows, size_t n, size_t bytes, const char *x, char *out, Py_ssize_t row,
            Py_ssize_t column) noexcept nogil
        void add_at_f32(size_t n, size_t width, size_t row, const float *x, const int64_t *index,
            float *out) noexcept nogil
        void add_at_f64(size_t n, size_t width, size_t row, const double *x, const int64_t *index,
            double *out) noexcept nogil
    const mg_gather_table *const *mg_gather_tables

cdef extern from "measure/peaks.h" nogil:
    ctypedef struct mg_peaks_table:
        double peak_fma_f32(size_t rounds, float *sink) noexcept nogil
        double peak_fma_f64(size_t rounds, double *sink) noexcept nogil
        void peak_copy_f32(size_t n, const float *x, float *out) noexcept nogil
        void peak_copy_f64(size_t n, const double *x, double *out) noexcept nogil
    const mg_peaks_table *const *mg_peaks_tables

cdef extern from "matmul/matmul.h" nogil:
    enum: MG_ACT_NONE, MG_ACT_RELU, MG_ACT_TANH, MG_ACT_SIGMOID
    ctypedef struct mg_matmul_args:
        size_t m, n, k
        const void *a
        const void *b
        const void *bias
        void *c
        Py_ssize_t a_row, a_col, b_row, b_col, c_row
        int activation, accumulate
    ctypedef struct mg_matmul_table:
        size_t matmul_scratch_f32(const mg_matmul_args *p) noexcept nogil
        size_t matmul_scratch_f64(const mg_matmul_args *p) noexcept nogil
        void matmul_f32(const mg_matmul_args *p, void *scratch) noexcept nogil
        void matmul_f64(const mg_matmul_args *p, void *scratch) noexcept nogil
        void matvec_f32(const mg_matmul_args *p) noexcept nogil
        void matvec_f64(const mg_matmul_args *p) noexcept nogil
    const mg_matmul_table *const *mg_matmul_tables
cdef extern from "reduce/reduce.h" nogil:
    ctypedef struct mg_reduce_table:
        double sum_flat_f32(size_t n, const float *x) noexcept nogil
        double sum_flat_f64(size_t n, const double *x) noexcept nogil
        void sum_rows_f32(size_t rows, size_t n, const float *x, double divisor, float *out) noexcept nogil
        void sum_rows_f64(size_t rows, size_t n, const double *x, double divisor, double *out) noexcept nogil
        void sum_columns_f32(size_t m, size_t stride, size_t columns, const float *x, double divisor,
            float *out) noexcept nogil
        void sum_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double divisor,
            double *out) noexcept nogil
        void max_rows_f32(size_t rows, size_t n, const float *x, float *out, int64_t *index) noexcept nogil
        void max_rows_f64(size_t rows, size_t n, const double *x, double *out, int64_t *index) noexcept nogil
        void max_columns_f32(size_t m, size_t stride, size_t columns, const float *x, float *out,
            int64_t *index) noexcept nogil
        void max_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double *out,
            int64_t *index) noexcept nogil
        void min_rows_f32(size_t rows, size_t n, const float *x, float *out, int64_t *index) noexcept nogil
        void min_rows_f64(size_t rows, size_t n, const double *x, double *out, int64_t *index) noexcept nogil
        void min_columns_f32(size_t m, size_t stride, size_t columns, const float *x, float *out,
            int64_t *index) noexcept nogil
        void min_columns_f64(size_t m, size_t stride, size_t columns, const double *x, double *out,
            int64_t *index) noexcept nogil
        void max_grad_f32(size_t outer, size_t n, size_t inner, const float *g, const int64_t *index,
            float *out) noexcept nogil
        void max_grad_f64(size_t outer, size_t n, size_t inner, const double *g, const int64_t *index,
            double *out) noexcept nogil
    const mg_reduce_table *const *mg_reduce_tables

cdef extern from "reduce/scans.h" nogil:
    ctypedef struct mg_scans_table:
        void cumsum_f32(size_t rows, size_t n, const float *x, int reverse, float *out) noexcept nogil
        void cumsum_f64(size_t rows, size_t n, const double *x, int reverse, double *out) noexcept nogil
        void prod_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void prod_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
        void prod_grad_f32(size_t rows, size_t n, const float *g, const float *x, float *out) noexcept nogil
        void prod_grad_f64(size_t rows, size_t n, const double *g, const double *x, double *out) noexcept nogil
        void norm_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void norm_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
    const mg_scans_table *const *mg_scans_tables

cdef extern from "reduce/softmax.h" nogil:
    ctypedef struct mg_softmax_table:
        void softmax_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void softmax_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
        void softmax_grad_f32(size_t rows, size_t n, const float *g, const float *y, float *out) noexcept nogil
        void softmax_grad_f64(size_t rows, size_t n, const double *g, const double *y, double *out) noexcept nogil
        void log_softmax_f32(size_t rows, size_t n, const float *x, float *out) noexcept nogil
        void log_softmax_f64(size_t rows, size_t n, const double *x, double *out) noexcept nogil
        void log_softmax_grad_f32(size_t rows, size_t n, const float *g, const float *y, float *out) noexcept nogil
        void log_softmax_grad_f64(size_t rows, size_t n, const double *g, const double *y, double *out) noexcept nogil
        double sum_flat_f32(size_t n, const float *losses) noexcept nogil
        double sum_flat_f64(size_t n, const double *losses) noexcept nogil
        void cross_entropy_f32(size_t rows, size_t n, const float *x, const int64_t *label, const float *t,
            float *loss, float *probs) noexcept nogil
        void cross_entropy_f64(size_t rows, size_t n, const double *x, const int64_t *label, const double *t,
            double *loss, double *probs) noexcept nogil
        void cross_entropy_grad_f32(size_t rows, size_t n, const float *probs, const int64_t *label, const float *t,
            const float *g, size_t step, double divisor, float *out) noexcept nogil
        void cross_entropy_grad_f64(size_t rows, size_t n, const double *probs, const int64_t *label, const double *t,
            const double *g, size_t step, double divisor, double *out) noexcept nogil
    const mg_softmax_table *const *mg_softmax_tables

cdef extern from "losses/losses.h" nogil:
    ctypedef struct mg_losses_table:
        double bce_with_logits_f32(size_t n, const float *x, const float *t, float *loss) noexcept nogil
        double bce_with_logits_f64(size_t n, const double *x, const double *t, double *loss) noexcept nogil
        double mse_f32(size_t n, const float *x, const float *t, float *loss) noexcept nogil
        double mse_f64(size_t n, const double *x, const double *t, double *loss) noexcept nogil
        void bce_with_logits_grad_f32(size_t n, const float *x, const float *t, const float *g, size_t step,
            double divisor, float *out) noexcept nogil
        void bce_with_logits_grad_f64(size_t n, const double *x, const double *t, const double *g, size_t step,
            double divisor, double *out) noexcept nogil
        void mse_grad_f32(size_t n, const float *x, const float *t, const float *g, size_t step, double divisor,
            float *out) noexcept nogil
        void mse_grad_f64(size_t n, const double *x, const double *t, const double *g, size_t step, double divisor,
            double *out) noexcept nogil
    const mg_losses_table *const *mg_losses_tables
cdef extern from "update/update.h" nogil:
    enum: MG_COLUMNS
    ctypedef struct mg_update_settings:
        double momentum
        int nesterov
        double beta1, beta2, eps
        int amsgrad, centered
    ctypedef void (*mg_update_f32)(
        size_t n, float *w, const float *g, float **state, const double *row, const mg_update_settings *s
    ) noexcept nogil
    ctypedef void (*mg_update_f64)(
        size_t n, double *w, const double *g, double **state, const double *row, const mg_update_settings *s
    ) noexcept nogil
    ctypedef struct mg_update_table:
        void sums_f32(size_t n, const float *w, const double *row, double *sums) noexcept nogil
        void sums_f64(size_t n, const double *w, const double *row, double *sums) noexcept nogil
        mg_update_f32 sgd_f32, adam_f32, rmsprop_f32, adagrad_f32
        mg_update_f64 sgd_f64, adam_f64, rmsprop_f64, adagrad_f64
    const mg_update_table *const *mg_update_tables

cdef extern from "random/stream.h" nogil:
    ctypedef struct mg_stream:
        uint64_t key, number, offset

cdef extern from "random/dropout.h" nogil:
    ctypedef struct mg_dropout_table:
        void dropout_bits(size_t n, uint8_t *bits, mg_stream stream, uint32_t threshold) noexcept nogil
        void masked_scale_f32(size_t n, const float *x, const uint8_t *bits, double scale, float *out) noexcept nogil
        void masked_scale_f64(size_t n, const double *x, const uint8_t *bits, double scale, double *out) noexcept nogil
        void dropout_f32(
            size_t n, const float *x, uint8_t *bits, mg_stream stream, uint32_t threshold, double scale, float *out
        ) noexcept nogil
        void dropout_f64(
            size_t n, const double *x, uint8_t *bits, mg_stream stream, uint32_t threshold, double scale, double *out
        ) noexcept nogil
    const mg_dropout_table *const *mg_dropout_tables

cdef extern from "random/random.h" nogil:
    ctypedef struct mg_random_table:
        void normal_quantile(size_t n, const double *q, double *out) noexcept nogil
        void random_bits(size_t n, uint64_t *out, mg_stream stream) noexcept nogil
        void uniform_f32(size_t n, float *out, mg_stream stream, double low, double high) noexcept nogil
        void uniform_f64(size_t n, double *out, mg_stream stream, double low, double high) noexcept nogil
        void normal_f32(size_t n, float *out, mg_stream stream, double mean, double std) noexcept nogil
        void normal_f64(size_t n, double *out, mg_stream stream, double mean, double std) noexcept nogil
    const mg_random_table *const *mg_random_tables

cdef extern from "descent/descent.h" nogil:
    ctypedef struct mg_descent_table:
        size_t coordinate_descent_f32(size_t n, const float *gram, const float *l1, const float *l2, float *w, float *r,
            size_t sweeps, double tolerance, double *largest) noexcept nogil
        size_t coordinate_descent_f64(size_t n, const double *gram, const double *l1, const double *l2, double *w,
            double *r, size_t sweeps, double tolerance, double *largest) noexcept nogil
    const mg_descent_table *const *mg_descent_tables
