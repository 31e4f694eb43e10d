#!/usr/bin/env python3
"""An image in OCI's layout out of folders, or tar files, one layer each.

usage: oci_image.py OUT [--config JSON] [--arch ARCH]... [--compress gzip|none]
                    [--lie] LAYER...

Several --arch make a list of images that differ in their configuration alone. --lie:
the configuration names other contents than the layers have.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile

OCI = "application/vnd.oci.image."


class Layout:
    def __init__(self, path):
        self.blobs = os.path.join(path, "blobs", "sha256")
        self.path = path
        os.makedirs(self.blobs, exist_ok=True)

    def put(self, kind, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.blobs, digest), "wb") as f:
            f.write(data)
        return {"mediaType": OCI + kind, "digest": "sha256:" + digest, "size": len(data)}

    def put_json(self, kind, value):
        return self.put(kind, json.dumps(value).encode())

    def finish(self, entry):
        entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        for name, value in (
            ("index.json", {"schemaVersion": 2, "manifests": [entry]}),
            ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
        ):
            with open(os.path.join(self.path, name), "w", encoding="utf-8") as f:
                json.dump(value, f)


def tar_of(path):
    if os.path.isfile(path):
        with open(path, "rb") as f:
            return f.read()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder, folders, files in os.walk(path):
            folders.sort()
            name = os.path.relpath(folder, path)
            tar.add(folder, name, recursive=False)
            links = [f for f in folders if os.path.islink(os.path.join(folder, f))]
            for file in sorted(files + links):
                tar.add(os.path.join(folder, file), os.path.join(name, file), recursive=False)
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--config", default='{"Cmd": ["sh"]}')
    parser.add_argument("--arch", action="append", default=[])
    parser.add_argument("--compress", default="gzip")
    parser.add_argument("--lie", action="store_true")
    parser.add_argument("layers", nargs="*")
    args = parser.parse_intermixed_args()
    layout = Layout(args.out)
    layers, diffs = [], []
    for path in args.layers:
        data = tar_of(path)
        content = data + b"lie" if args.lie else data
        diffs.append("sha256:" + hashlib.sha256(content).hexdigest())
        if args.compress == "gzip":
            layers.append(layout.put("layer.v1.tar+gzip", gzip.compress(data, 1, mtime=0)))
        else:
            layers.append(layout.put("layer.v1.tar", data))
    entries = []
    for arch in args.arch or ["amd64" if os.uname().machine == "x86_64" else "arm64"]:
        config = {
            "os": "linux",
            "architecture": arch,
            "config": json.loads(args.config),
            "rootfs": {"type": "layers", "diff_ids": diffs},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI + "manifest.v1+json",
            "config": layout.put_json("config.v1+json", config),
            "layers": layers,
        }
        entry = layout.put_json("manifest.v1+json", manifest)
        entry["platform"] = {"os": "linux", "architecture": arch}
        entries.append(entry)
    if len(entries) > 1:
        index = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": entries}
        entries = [layout.put_json("index.v1+json", index)]
    layout.finish(entries[0])


main()
