"""Train LeNet on scikit-learn's digits in PyTorch, and keep its weights and some of its outputs.

Writes digits_lenet.npz, the state_dict under the names of digits_lenet.yaml, and digits_golden.npz: 32 test
images, PyTorch's outputs in float64, the labels, and the accuracy over the whole test set.  Made with PyTorch
2.13.0 and scikit-learn 1.9.1; needed again only if the network changes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

HERE = Path(__file__).parent
NAMES = {"0": "conv1", "1": "bn1", "4": "conv2", "5": "bn2", "9": "fc1", "11": "fc2", "13": "fc3"}


def network() -> nn.Sequential:
    """Return LeNet for 8×8 images."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(), nn.Linear(64, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def main() -> None:
    """Train, and write both files."""
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    x = (images.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    x_train, x_test, y_train, y_test = train_test_split(x, labels, test_size=0.25, random_state=0, stratify=labels)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    data = torch.utils.data.TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
    for _ in range(30):
        for batch, target in torch.utils.data.DataLoader(data, 32, shuffle=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(batch), target).backward()
            optimizer.step()
    net.eval()
    state = {}
    for key, tensor in net.state_dict().items():
        number, name = key.split(".")
        state[f"{NAMES[number]}.{name}"] = tensor.numpy()
    with torch.no_grad():
        accuracy = (net(torch.from_numpy(x_test)).argmax(1).numpy() == y_test).mean()
        golden = net.double()(torch.from_numpy(x_test).double()).numpy()
    np.savez_compressed(HERE / "digits_lenet.npz", **state)
    np.savez_compressed(
        HERE / "digits_golden.npz", x=x_test, logits=golden[:32], labels=y_test, accuracy=np.float64(accuracy)
    )
    print(f"accuracy on the test set: {accuracy:.4f}")


if __name__ == "__main__":
    main()
