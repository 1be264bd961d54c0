"""Makes benign model files with torch and torchvision.

    python benign_torch.py OUT
"""
import collections, io, os, tarfile, pickle, sys, warnings
import torch, torch.nn as nn
from sample import attempt, benign, write

warnings.filterwarnings("ignore")
torch.manual_seed(7)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Linear(8, 2))


def tensors():
    torch.save(net.state_dict(), benign("torch", "state.pt"))
    torch.save(net.state_dict(), benign("torch", "pytorch_model.bin"))
    torch.save({"model": net.state_dict(), "epoch": 3, "args": {"lr": 0.1}, "best": 0.5}, benign("torch", "checkpoint.ckpt"))
    torch.save(torch.arange(10), benign("torch", "tensor.pth"))
    torch.save([torch.zeros(3, dtype=d) for d in (torch.float16, torch.bfloat16, torch.int8, torch.bool, torch.complex64)], benign("torch", "types.pt"))
    torch.save({"p": nn.Parameter(torch.ones(3)), "s": torch.eye(3).to_sparse(), "size": torch.Size([1, 2]), "dev": torch.device("cpu"), "dt": torch.float32}, benign("torch", "odd.pt"))
    q = torch.quantize_per_tensor(torch.randn(3, 3), 0.1, 0, torch.qint8)
    torch.save({"q": q}, benign("torch", "quantized.pt"))
    torch.save(torch.zeros(100000), benign("torch", "big.pt"))


def legacy():
    for name, thing in (("state", net.state_dict()), ("tensor", torch.arange(10)), ("model", net)):
        torch.save(thing, benign("torch-legacy", name + ".pt"), _use_new_zipfile_serialization=False)


def modules():
    torch.save(net, benign("torch-module", "sequential.pt"))
    torch.save(nn.Transformer(8, 2, 1, 1, 16), benign("torch-module", "transformer.pt"))
    torch.save(nn.LSTM(4, 8, 2), benign("torch-module", "lstm.pt"))
    torch.save(nn.ModuleDict({"a": nn.Conv2d(3, 4, 3), "b": nn.GroupNorm(2, 4)}), benign("torch-module", "dict.pt"))
    opt = torch.optim.AdamW(net.parameters())
    net(torch.zeros(4, 4)).sum().backward(); opt.step()
    torch.save({"opt": opt.state_dict(), "sched": torch.optim.lr_scheduler.StepLR(opt, 3).state_dict()}, benign("torch", "optimizer.pt"))
    torch.save(opt, benign("torch-module", "optimizer.pt"))


def scripts():
    torch.jit.save(torch.jit.trace(net.eval(), torch.zeros(1, 4)), benign("torchscript", "traced.pt"))
    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(4, 4)
        def forward(self, x: torch.Tensor, k: int = 2) -> torch.Tensor:
            for _ in range(k):
                x = torch.relu(self.l(x))
            return x
    torch.jit.save(torch.jit.script(M()), benign("torchscript", "scripted.pt"))
    torch.jit.save(torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2))), benign("torchscript", "conv.pt"))


def vision():
    import torchvision
    torch.save(torchvision.models.squeezenet1_1(), benign("torchvision", "squeezenet.pth"))
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), benign("torchvision", "mobilenet.pth"))
    torch.save(torchvision.models.resnet18(), benign("torchvision", "resnet18.pt"))


def exported():
    ep = torch.export.export(net.eval(), (torch.zeros(2, 4),))
    torch.export.save(ep, benign("torch-export", "net.pt2"))


for group in (tensors, legacy, modules, scripts, vision, exported):
    attempt(group)
