"""Makes torch_layers.npz: outputs of PyTorch (2.13, CPU) for layer types that go along sequences or normalise.

For each case: ``NAME.input``, ``NAME.output`` and the module's tensors ``NAME.weight.…``; rewritten by
``python tests/data/make_torch_layers.py`` where PyTorch is installed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

CASES = {
    "lstm": torch.nn.LSTM(6, 5, batch_first=True),
    "lstm_both": torch.nn.LSTM(6, 5, batch_first=True, bidirectional=True),
    "gru": torch.nn.GRU(6, 5, batch_first=True),
    "gru_both": torch.nn.GRU(6, 5, batch_first=True, bidirectional=True, bias=False),
    "rnn": torch.nn.RNN(6, 5, batch_first=True),
    "rnn_relu": torch.nn.RNN(6, 5, batch_first=True, nonlinearity="relu"),
    "rmsnorm": torch.nn.RMSNorm(6, eps=1e-6),
}


def main() -> None:
    torch.manual_seed(0)
    made = {}
    with torch.no_grad():
        for name, module in CASES.items():
            x = torch.randn(3, 7, 6)
            for parameter in module.parameters():
                parameter.copy_(torch.randn(parameter.shape) * 0.5)
            y = module(x)
            made[f"{name}.input"] = x.numpy()
            made[f"{name}.output"] = (y[0] if isinstance(y, tuple) else y).numpy()
            made |= {f"{name}.weight.{key}": value.numpy() for key, value in module.state_dict().items()}
        x = torch.randn(2, 3, 7, 6)
        made["l2_normalize.input"], made["l2_normalize.output"] = x.numpy(), torch.nn.functional.normalize(x).numpy()
    np.savez_compressed(Path(__file__).parent / "torch_layers.npz", **made)


if __name__ == "__main__":
    main()
