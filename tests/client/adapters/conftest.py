"""Small torch modules that hold one difficulty each; torch is seeded and left as it was."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def seeded_torch() -> Iterator[None]:
    """The same weights and records in every run, on one thread of the shared machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(20261124)
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def perceptron() -> torch.nn.Module:
    """Two layers for records of 5 values in 3 classes."""
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))


@pytest.fixture
def normed() -> torch.nn.Module:
    """A batch norm between two layers: two float buffers and a counter."""
    return torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3)
    )


class Tied(torch.nn.Module):
    """A decoder that is its encoder, transposed, as in language models."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.Linear(4, 4, bias=False)
        self.decoder = torch.nn.Linear(4, 4)
        self.decoder.weight = self.encoder.weight

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        """Both uses of the one weight."""
        reconstructed: torch.Tensor = self.decoder(torch.tanh(self.encoder(records)))
        return reconstructed


@pytest.fixture
def tied() -> torch.nn.Module:
    """A shared parameter under two names."""
    return Tied()


@pytest.fixture
def convolutional() -> torch.nn.Module:
    """A network of images of 2x6x6, with the norm that a private study uses: no batch norm."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1),
        torch.nn.GroupNorm(2, 4),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(36, 3),
    )
