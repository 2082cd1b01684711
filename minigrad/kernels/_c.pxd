# The C tables (src_c/*.h) as Cython sees them: mg_<family>[runtime.variant].<kernel>_f32(...).
cdef extern from "penalty.h" nogil:
    ctypedef struct mg_penalty_table:
        void elastic_net_grad_f32(size_t n, const float *w, double l1, double l2, double scale, float *out) noexcept nogil
        void elastic_net_grad_f64(size_t n, const double *w, double l1, double l2, double scale, double *out) noexcept nogil
    const mg_penalty_table *const *mg_penalty

cdef extern from "elementwise.h" nogil:
    enum:
        mg_op_copy, mg_op_neg, mg_op_abs, mg_op_sign, mg_op_sqrt, mg_op_exp, mg_op_log, mg_op_tanh, mg_op_sigmoid
        mg_op_relu, mg_op_add, mg_op_sub, mg_op_mul, mg_op_div, mg_op_relu_grad, mg_op_tanh_grad, mg_op_sigmoid_grad
    ctypedef struct mg_operand:
        const char *p
        Py_ssize_t row, col
    ctypedef struct mg_elementwise_table:
        void map_f32(int op, size_t rows, size_t n, mg_operand a, mg_operand b, float *out) noexcept nogil
        void map_f64(int op, size_t rows, size_t n, mg_operand a, mg_operand b, double *out) noexcept nogil
        void convert_f32(size_t rows, size_t n, mg_operand x, double *out) noexcept nogil
        void convert_f64(size_t rows, size_t n, mg_operand x, float *out) noexcept nogil
    const mg_elementwise_table *const *mg_elementwise

cdef extern from "arrays.h" nogil:
    ctypedef struct mg_arrays_table:
        void take(size_t n, size_t bytes, const char *x, const long long *index, char *out) noexcept nogil
    const mg_arrays_table *const *mg_arrays
