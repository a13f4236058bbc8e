"""One thread: the models are too small for two, and other processes want the other core."""

import torch

torch.set_num_threads(1)
