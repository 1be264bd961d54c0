# Writes one table in every format, each by the format's own library, so that
# the readers here are held against files others wrote. Needs pyarrow, fastavro,
# numpy, openpyxl, python-docx and python-pptx. The people are made up.
import bz2, csv, gzip, io, json, lzma, os, random, sqlite3, struct, sys, tarfile, zipfile

random.seed(11)
out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats")
os.makedirs(out, exist_ok=True)


def luhn(body):
    s = 0
    for i, c in enumerate(reversed(body)):
        d = int(c) * (2 if i % 2 == 0 else 1)
        s += d - 9 if d > 9 else d
    return body + str((10 - s % 10) % 10)


first = ["Amelia", "Bruno", "Chloe", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas"]
last = ["Okafor", "Petrov", "Quist", "Rossi", "Santos", "Tanaka", "Ulrich", "Vargas", "Weber", "Xu"]
rows = []
for i in range(40):
    f, l = random.choice(first), random.choice(last)
    rows.append({
        "id": i + 1,
        "full_name": f"{f} {l}",
        "email": f"{f.lower()}.{l.lower()}{i}@canary-mail.org",
        "ssn": "%03d-%02d-%04d" % (random.randint(100, 600), random.randint(1, 99), random.randint(1, 9999)),
        "card": luhn("4" + "".join(random.choice("0123456789") for _ in range(14))),
        "note": "customer asked to be called back next week about the late parcel",
    })
cols = list(rows[0])


def path(name):
    return os.path.join(out, name)


def text(name, s):
    with open(path(name), "w", newline="") as f:
        f.write(s)


s = io.StringIO()
w = csv.DictWriter(s, cols)
w.writeheader()
w.writerows(rows)
table = s.getvalue()
text("people.csv", table)
text("people.tsv", table.replace(",", "\t"))
text("semicolons.csv", table.replace(",", ";"))
with open(path("utf16.csv"), "wb") as f:
    f.write(table.encode("utf-16"))
text("people.json", json.dumps({"people": rows}))
text("people.jsonl", "".join(json.dumps(r) + "\n" for r in rows))
text("chat.jsonl", "".join(json.dumps({"messages": [
    {"role": "user", "content": f"My name is {r['full_name']}, my mail is {r['email']} and my card is {r['card']}."},
    {"role": "assistant", "content": "Thank you, I have noted that for you."}]}) + "\n" for r in rows))
text("notebook.ipynb", json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": 1,
     "source": [f"df.loc[0] = ['{r['email']}', '{r['ssn']}']\n" for r in rows]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
text("people.html", "<!DOCTYPE html><html><body><table>" + "".join(f"<tr><td>{r['full_name']}</td><td><a href=\"mailto:{r['email']}\">mail</a></td><td>{r['ssn']}</td></tr>\n" for r in rows) + "</table></body></html>")
text("people.md", "# People\n" + "".join(f"- {r['full_name']}: {r['email']}, SSN {r['ssn']}\n" for r in rows))
text("people.sql", "CREATE TABLE people (id int);\nINSERT INTO people (id, full_name, email, ssn) VALUES\n" +
     ",\n".join(f"({r['id']}, '{r['full_name']}', '{r['email']}', '{r['ssn']}')" for r in rows) + ";\n")
text("pgdump.sql", "COPY public.people (id, full_name, email, ssn) FROM stdin;\n" +
     "".join(f"{r['id']}\t{r['full_name']}\t{r['email']}\t{r['ssn']}\n" for r in rows) + "\\.\n")
for name, op in (("gz", gzip.open), ("bz2", bz2.open), ("xz", lzma.open)):
    with op(path("people.csv." + name), "wb") as f:
        f.write(table.encode())
with zipfile.ZipFile(path("people.zip"), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a/people.csv", table)
with tarfile.open(path("shard.tar"), "w") as t:
    for i, r in enumerate(rows[:20]):
        for ext, data in (("json", json.dumps(r)), ("txt", f"write to {r['email']}, ssn {r['ssn']}")):
            b = data.encode()
            info = tarfile.TarInfo(f"{i:06d}.{ext}")
            info.size = len(b)
            t.addfile(info, io.BytesIO(b))

import pyarrow as pa, pyarrow.parquet as pq, pyarrow.feather as feather, pyarrow.ipc as ipc
tab = pa.Table.from_pylist(rows)
for codec in ("snappy", "zstd", "gzip", "none"):
    pq.write_table(tab, path(f"people.{codec}.parquet"), compression=codec, row_group_size=15)
nested = pa.Table.from_pylist([{"id": r["id"], "messages": [{"role": "user", "content": f"mail {r['email']}, ssn {r['ssn']}"}], "meta": {"owner": r["email"]}} for r in rows])
pq.write_table(nested, path("nested.parquet"))
with ipc.new_file(path("people.arrow"), tab.schema) as wr:
    wr.write_table(tab, max_chunksize=15)
with ipc.new_stream(path("stream.arrows"), tab.schema) as wr:
    wr.write_table(tab)
feather.write_feather(tab, path("lz4.feather"), compression="lz4")
feather.write_feather(tab, path("zstd.feather"), compression="zstd")
with ipc.new_file(path("nested.arrow"), nested.schema) as wr:
    wr.write_table(nested)
dic = pa.table({"email": pa.array([r["email"] for r in rows]).dictionary_encode(), "ssn": [r["ssn"] for r in rows]})
with ipc.new_file(path("dictionary.arrow"), dic.schema) as wr:
    wr.write_table(dic)
with open(path("people.csv.zst"), "wb") as f:
    f.write(pa.compress(table.encode(), codec="zstd", asbytes=True))

import fastavro
schema = fastavro.parse_schema({"type": "record", "name": "person", "fields": [
    {"name": "id", "type": "long"}, {"name": "full_name", "type": "string"}, {"name": "email", "type": ["null", "string"]},
    {"name": "ssn", "type": "string"}, {"name": "card", "type": "string"}, {"name": "note", "type": "string"},
    {"name": "tags", "type": {"type": "array", "items": "string"}}, {"name": "extra", "type": {"type": "map", "values": "string"}}]})
for codec in ("null", "deflate"):
    with open(path(f"people.{codec}.avro"), "wb") as f:
        fastavro.writer(f, schema, [dict(r, tags=["a", "b"], extra={"k": "v"}) for r in rows], codec=codec)

# Columns whose type is a number or a day and whose values are somebody's: as pandas and
# warehouses write them.
def typed():
    import decimal, datetime
    phone = [float(4155550100 + i) for i in range(40)]
    born = [datetime.date(1950 + i, 1 + i % 12, 1 + i % 28) for i in range(40)]
    return pa.table({
        "phone": pa.array(phone[:-1] + [None], pa.float64()),
        "card": pa.array([decimal.Decimal(r["card"]) for r in rows], pa.decimal128(38, 0)),
        "birth_date": pa.array(born, pa.date32()),
        "dob": pa.array([datetime.datetime(d.year, d.month, d.day) for d in born], pa.timestamp("us")),
        "score": pa.array([i / 7 for i in range(40)], pa.float64()),
        "amount": pa.array([decimal.Decimal(i) / 4 for i in range(40)], pa.decimal128(12, 2)),
        "vector": pa.array([[float(10000 + i), 0.5] for i in range(40)], pa.list_(pa.float32())),
    })


pq.write_table(typed(), path("typed.parquet"))
pq.write_table(typed().select(["phone", "card", "birth_date", "dob"]), path("typed.int96.parquet"), use_deprecated_int96_timestamps=True)
with pa.OSFile(path("typed.arrow"), "wb") as f, pa.ipc.new_file(f, typed().schema) as w:
    w.write_table(typed())
t = typed().to_pydict()
with open(path("typed.avro"), "wb") as f:
    fastavro.writer(f, {"type": "record", "name": "t", "fields": [
        {"name": "phone", "type": ["null", "double"]},
        {"name": "card", "type": {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 0}},
        {"name": "birth_date", "type": {"type": "int", "logicalType": "date"}},
        {"name": "dob", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}}]},
        [{k: t[k][i] if k != "dob" else t[k][i].replace(tzinfo=__import__("datetime").timezone.utc) for k in ("phone", "card", "birth_date", "dob", "amount")} for i in range(40)])

import numpy as np
np.save(path("emails.npy"), np.array([r["email"] for r in rows]))
np.save(path("floats.npy"), np.random.rand(100))

db = sqlite3.connect(path("people.sqlite"))
db.execute("drop table if exists people")
db.execute("create table people (id integer, full_name text, email text, ssn text, card text, note text)")
db.executemany("insert into people values (:id, :full_name, :email, :ssn, :card, :note)", rows)
db.commit()
db.execute("vacuum")
db.close()

from openpyxl import Workbook
wb = Workbook()
ws = wb.active
ws.append(cols)
for r in rows:
    ws.append([r[c] for c in cols])
wb.save(path("people.xlsx"))
from docx import Document
d = Document()
for r in rows[:10]:
    d.add_paragraph(f"Dear {r['full_name']}, we wrote to {r['email']} about SSN {r['ssn']}.")
d.save(path("letter.docx"))
from pptx import Presentation
p = Presentation()
for r in rows[:5]:
    sl = p.slides.add_slide(p.slide_layouts[1])
    sl.shapes.title.text = r["full_name"]
    sl.placeholders[1].text = f"mail {r['email']}, SSN {r['ssn']}"
p.save(path("slides.pptx"))

from email.message import EmailMessage
m = EmailMessage()
m["From"], m["To"], m["Subject"], m["Date"], m["Message-ID"] = rows[0]["email"], rows[1]["email"], "parcel", "Mon, 1 Jan 2024 10:00:00 +0000", "<1@canary-mail.org>"
m.set_content(f"Dear all,\nthe SSN is {rows[0]['ssn']}, sent by {rows[0]['email']}.\nKind regards")
m.add_attachment(table.encode(), maintype="application", subtype="octet-stream", filename="people.csv")
text("message.eml", m.as_string())


def varint(n):
    b = b""
    while n > 127:
        b += bytes([n & 127 | 128]); n >>= 7
    return b + bytes([n])


def field(n, b):
    return varint(n << 3 | 2) + varint(len(b)) + b


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) & 0xFFFFFFFF) + 0xa282ead8 & 0xFFFFFFFF


with open(path("people.tfrecord"), "wb") as f:
    for r in rows:
        feats = b"".join(field(1, field(1, k.encode()) + field(2, field(1, field(1, str(r[k]).encode())))) for k in ("email", "ssn", "full_name"))
        ex = field(1, feats)
        head = struct.pack("<Q", len(ex))
        f.write(head + struct.pack("<I", crc32c(head)) + ex + struct.pack("<I", crc32c(ex)))

import zlib
body = zlib.compress(("BT /F1 12 Tf 72 700 Td " + " ".join(f"({r['full_name']} {r['email']} SSN {r['ssn']}) Tj 0 -14 Td" for r in rows[:20]) + " ET").encode())
pdf = b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R>>endobj\n4 0 obj<</Length %d/Filter/FlateDecode>>stream\n" % len(body) + body + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
with open(path("letter.pdf"), "wb") as f:
    f.write(pdf)
