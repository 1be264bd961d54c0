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


def trainers():
    import random
    import numpy as np
    from transformers import GPT2Config, GPT2LMHeadModel, Seq2SeqTrainingArguments, TrainingArguments
    torch.save(TrainingArguments(output_dir="out", report_to=[]), benign("hf-trainer", "training_args.bin"))
    torch.save(Seq2SeqTrainingArguments(output_dir="out", report_to=[]), benign("hf-trainer", "seq2seq.bin"))
    m = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=8, vocab_size=50))
    torch.save(m, benign("hf-module", "gpt2.pt"))
    m.save_pretrained(benign("hf-folder", "gpt2"))
    opt = torch.optim.AdamW(m.parameters())
    torch.save(opt.state_dict(), benign("hf-trainer", "optimizer.pt"))
    torch.save(torch.optim.lr_scheduler.LambdaLR(opt, lambda s: 1.0).state_dict(), benign("hf-trainer", "scheduler.pt"))
    torch.save({"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.random.get_rng_state()}, benign("hf-trainer", "rng_state.pth"))


def lightning():
    import pytorch_lightning as pl

    class L(pl.LightningModule):
        def __init__(self, lr=0.1, **k):
            super().__init__()
            self.save_hyperparameters()
            self.l = nn.Linear(4, 1)

        def training_step(self, batch, i):
            return self.l(batch[0]).mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    out = benign("lightning", "model.ckpt")
    t = pl.Trainer(max_epochs=1, logger=False, enable_progress_bar=False, enable_model_summary=False, accelerator="cpu", callbacks=[pl.callbacks.ModelCheckpoint(dirpath=os.path.dirname(out), save_top_k=0)])
    t.fit(L(), torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(8, 4)), batch_size=4))
    t.save_checkpoint(out)


def yolo():
    from ultralytics.nn.tasks import ClassificationModel, DetectionModel
    for name, make, config in (("detect", DetectionModel, "yolov8n.yaml"), ("classify", ClassificationModel, "yolov8n-cls.yaml")):
        torch.save({"model": make(config, verbose=False).half(), "epoch": -1, "train_args": {"imgsz": 640}, "date": "2026-01-01"}, benign("ultralytics", name + ".pt"))


for group in (trainers, lightning, yolo, tensors, legacy, modules, scripts, vision, exported):
    attempt(group)
