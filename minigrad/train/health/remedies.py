"""A remedy in words and as code for each kind of finding; tests/train/health/test_cures.py tries each."""

REMEDIES: dict[str, tuple[str, str]] = {
    "vanishing": (
        "relu with He's start, whose slope is 1 where it is not 0; in deep networks a way around each layer, and a "
        "normalization in it",
        'nn.Linear(n, n, activation="relu", init="he_uniform")\n'
        'nn.Residual(nn.RMSNorm(n), nn.Linear(n, n, activation="relu", init="he_uniform"))',
    ),
    "exploding": (
        "a start whose layers keep the size of what passes (Glorot for tanh, He for relu), or a normalization between "
        "layers; clipping bounds what is left",
        'nn.Linear(n, n, activation="tanh", init="glorot_uniform")\ncallbacks=[train.ClipGradients(max_norm=1.0)]',
    ),
    "rate too large": (
        "a rate a tenth as large, or the one that find_lr suggests",
        "train.find_lr(model, data, loss, optimizer).suggestion",
    ),
    "rate too small": (
        "a rate ten to a hundred times as large, or the one that find_lr suggests",
        "train.find_lr(model, data, loss, optimizer).suggestion",
    ),
    "dead at start": (
        "biases that start at 0 and weights with He's start; inputs of mean 0 and deviation 1; or a relu with a slope "
        "below 0",
        'nn.Linear(n, m, activation="relu", init="he_uniform")  # its bias starts at 0\nnn.LeakyReLU(0.01)',
    ),
    "dead by rate": (
        "a rate a tenth as large: an update threw the units beyond the rows",
        "optim.SGD(model.parameters(), lr=rate / 10)",
    ),
    "saturated": (
        "weights that start smaller (Glorot's start), a normalization before the activation, or a smaller rate if "
        "units saturated during training",
        'nn.Linear(n, m, activation="tanh", init="glorot_uniform")\n'
        "nn.Sequential(nn.Linear(n, m), nn.LayerNorm(m), nn.Tanh())",
    ),
    "saturated by inputs": (
        "inputs of mean 0 and deviation 1",
        "scale = data.Standardizer(x_train)\nx_train, x_test = scale(x_train), scale(x_test)",
    ),
    "unused": (
        "call the layer in forward, or delete it",
        "def forward(self, x):\n    return self.head(self.body(x))",
    ),
    "cut": (
        "keep the tensor: no detach(), .data, .numpy(), argmax or no_grad() on the way from the layer to the loss; or "
        "say that it is meant: layer.requires_grad_(False)",
        "loss(model(x), y)  # not loss(model(x).detach(), y)",
    ),
    "constant inputs": (
        "look at the data: a column that was read wrongly, or an array that was filled and not replaced",
        "x.std(axis=0)  # must not be 0 everywhere",
    ),
    "not learning": (
        "look whether rows and targets belong together (both shuffled by one order?), and whether 20 rows can be "
        "learned by heart, which shows that the model can learn",
        "order = rng.permutation(len(x))\nx, y = x[order], y[order]  # one order for both",
    ),
    "memorizing": (
        "look whether rows and targets belong together; if they do, more data, a smaller model or a penalty",
        "order = rng.permutation(len(x))\nx, y = x[order], y[order]  # one order for both",
    ),
    "plateau": (
        "a larger rate, momentum, or Adam, whose steps do not shrink with the gradient",
        "optim.Adam(model.parameters(), lr=1e-3)",
    ),
    "exploding through time": (
        "an orthogonal start of the weights between steps, which keeps the length of what passes; clipping bounds what "
        "is left",
        "with mg.no_grad():\n"
        "    rnn.weight_hh_l0.copy_(nn.init.orthogonal((width, width)))\n"
        "callbacks=[train.ClipGradients(max_norm=1.0)]",
    ),
    "vanishing through time": (
        "a loss that sees all steps, such as of the mean over the outputs; shorter sequences; an LSTM whose forget "
        "gate starts open, with a bias of 3",
        "output, _ = self.rnn(x)\n"
        "self.head(output.mean(dim=1))  # not output[:, -1]\n"
        "with mg.no_grad():  # gates stand in the order i f g o\n"
        "    bias = lstm.bias_ih_l0.data.copy()\n"
        "    bias[width : 2 * width] = 3\n"
        "    lstm.bias_ih_l0.copy_(bias)",
    ),
}
