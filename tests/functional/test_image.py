# SPDX-License-Identifier: GPL-2.0
"""rfm image build, on this host: what it refuses. What it makes, the lab's Debian disk is; initrds
and container images are booted here."""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile

import pytest
from functional.subos import Supervisor, troubles
from lab import debian, kernels, packages, paths

USAGE, BAD_VALUE, BAD_FILE, INCOMPLETE, INTERRUPTED = 2, 3, 7, 11, 130

REFUSED = {
    "no-disk": ((), USAGE, "--disk is missing, or --initrd"),
    "both": (("--disk", "x", "--initrd", "y"), USAGE, "give one of them"),
    "size-of-initrd": (("--initrd", "x", "--size", "4G"), USAGE, "--size applies only to --disk"),
    "kernel-of-initrd": (("--initrd", "x", "--kernel", "0.1"), BAD_FILE,
                         "kernel 0.1 is not installed on this host"),
    "oci-and-suite": (("--disk", "x", "--oci", "y", "--suite", "sid"), USAGE,
                      "--suite is about a Debian that is installed"),
    "no-oci": (("--initrd", "x", "--oci", "none"), BAD_FILE, "image 'none': No such file"),
    "oci-file": (("--initrd", "x", "--oci", "there"), BAD_FILE, "'there' cannot be read as a tar archive: "),
    "initrd-exists": (("--initrd", "there", "--boot", "boot"), BAD_FILE, "'there' exists"),
    "other-verb": (("--disk", "x", "more"), USAGE, "unexpected argument 'more'"),
    "suite": (("--disk", "x", "--suite", "../x"), BAD_VALUE, "suite '../x'"),
    "file-system": (("--disk", "x", "--fs", "btrfs"), BAD_VALUE, "give ext4 or xfs"),
    "size": (("--disk", "x", "--size", "5M"), BAD_VALUE, "give 1G to 16T"),
    "package": (("--disk", "x", "--include", "a,-b"), BAD_VALUE, "include '-b'"),
    "mirror": (("--disk", "x", "--mirror", "nowhere"), BAD_VALUE, "mirror 'nowhere'"),
    "key": (("--disk", "x", "--ssh-key", "none"), BAD_FILE, "'none': No such file"),
    "no-key": (("--disk", "x", "--ssh-key", "there"), BAD_FILE, "'there' holds no public key"),
    "no-device": (("--disk", "/dev/none"), BAD_FILE, "'/dev/none' is not a disk"),
    "no-folder": (("--disk", "none/x"), BAD_FILE, "'none/x' cannot be written"),
    "exists": (("--disk", "there"), BAD_FILE, "'there' exists"),
    "folder": (("--disk", ".", "--force"), BAD_FILE, "'.' is not a regular file"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "there").write_text("kept")
    return tmp_path


def environment(folder, *path):
    """Programs in the folders @path come first, and temporary files in @folder, where they show."""
    words = [*map(str, path), os.environ["PATH"]]
    return {**os.environ, "PATH": ":".join(words), "TMPDIR": str(folder)}


def image(folder, *words, path=(), temporary=None):
    """rfm image build with programs in the folders @path first: status and its error."""
    env = environment(temporary or folder, *path)
    return subprocess.run([paths.RFM, "image", "build", *words], cwd=folder, env=env,
                          capture_output=True, text=True, timeout=60)  # fmt: skip


def unchanged(folder):
    names = [each.name for each in folder.iterdir()]
    return names == ["there"] and (folder / "there").read_text() == "kept"


@pytest.mark.parametrize("words, status, said", REFUSED.values(), ids=REFUSED)
def test_refused(folder, words, status, said):
    done = image(folder, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert unchanged(folder)


def installer(folder, script):
    """A folder with an mmdebstrap that does @script instead."""
    place = folder.parent / f"{folder.name}-bin"
    place.mkdir()
    (place / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
    (place / "mmdebstrap").chmod(0o755)
    return place


def test_failure_leaves_nothing(folder):
    path = [installer(folder, "echo 'E: no such suite'; exit 25")]
    done = image(folder, "--disk", "new", "--json", path=path)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (INCOMPLETE, INCOMPLETE)
    assert error["log"] == ["E: no such suite"]
    assert unchanged(folder)


def test_interrupt_leaves_nothing(folder):
    """Not even what the installer started and mounted."""
    begun = folder.parent / f"{folder.name}-begun"
    os.mkfifo(begun)
    script = ("for tree; do case $tree in */tree) break; esac; done; mkdir -p $tree/proc; "
              f"mount -t proc proc $tree/proc; sleep 12345 & echo >{begun}; wait")  # fmt: skip
    env = environment(folder, installer(folder, script))
    rfm = subprocess.Popen([paths.RFM, "image", "build", "--disk", "new"], cwd=folder, env=env,
                           stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert begun.read_text() == "\n"
    rfm.send_signal(signal.SIGINT)
    assert "nothing is left" in rfm.communicate(timeout=60)[1]
    assert rfm.returncode == INTERRUPTED
    assert unchanged(folder)
    assert subprocess.run(["pgrep", "-f", "sleep 12345"]).returncode == 1


# ---- in a folder of somebody else ----

STRANGER = 12345
# The least that is taken for a Debian. Its arguments end with the tree.
TREE = (
    "for tree; do :; done; mkdir -p $tree/boot $tree/etc; "
    "echo kernel >$tree/boot/vmlinuz-6.1.0-0-none"
)


@pytest.fixture
def hers(folder):
    """A folder that belongs to somebody else, beside one of root's that she wants written to."""
    place = folder / "hers"
    for each in (place, folder / "roots"):
        each.mkdir()
    (folder / "roots/shadow").write_text("root's")
    os.chown(place, STRANGER, STRANGER)
    return place


def roots_is_unchanged(folder):
    names = [each.name for each in (folder / "roots").iterdir()]
    return names == ["shadow"] and (folder / "roots/shadow").read_text() == "root's"


def test_folder_is_exchanged(folder, hers):
    """While Debian is installed: the disk is in the folder that it was begun in."""
    away = folder / "away"
    script = f"mv {hers} {away}; ln -s {folder}/roots {hers}"
    path = [installer(folder, f"{TREE}; {script}")]
    done = image(folder, "--disk", hers / "x.img", "--size", "1G", path=path)
    assert done.returncode == 0, done.stderr
    assert roots_is_unchanged(folder)
    assert [each.name for each in away.iterdir()] == ["x.img"]
    words = ["blkid", "-p", "-s", "TYPE", "-o", "value", away / "x.img"]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "ext4\n"


def test_file_is_exchanged(folder, hers):
    """The file system goes into the file that was begun, and who took that away hears of it."""
    script = f"for part in {hers}/*.partial-*; do rm $part; ln -s {folder}/roots/shadow $part; done"
    path = [installer(folder, f"{TREE}; {script}")]
    done = image(folder, "--disk", hers / "x.img", "--size", "1G", path=path)
    assert done.returncode == BAD_FILE
    assert "somebody else has replaced it" in done.stderr
    assert roots_is_unchanged(folder) and not list(hers.iterdir())


def test_boot_files_are_not_written_through_links(folder, hers):
    (hers / "boot").symlink_to(folder / "roots")
    path = [installer(folder, TREE)]
    done = image(folder, "--disk", "new", "--size", "1G", "--boot", hers / "boot", path=path)
    assert done.returncode == BAD_FILE
    assert "a link that others than root can replace" in done.stderr
    assert roots_is_unchanged(folder) and not (folder / "new").exists()


def test_temporary_files_are_only_roots(folder, hers):
    """Programs run in there with root's rights. Without a word, it is not the disk's folder."""
    done = image(folder, "--disk", "new", path=[installer(folder, "exit 1")], temporary=hers)
    assert done.returncode == BAD_FILE
    assert f"'{hers}/*'; set TMPDIR" in done.stderr
    looks = f"echo $RF_FSTAB >&2; ls -ld {hers}/.rfm* >&2; exit 1"
    env = environment(folder, installer(folder / "hers", looks))
    del env["TMPDIR"]
    words = [paths.RFM, "image", "build", "--disk", hers / "x.img"]
    done = subprocess.run(words, env=env, capture_output=True, text=True)
    assert re.search(r"^  /var/tmp/\.rfm-image-\w+/files/fstab$", done.stderr, re.M), done.stderr
    assert not list(hers.iterdir())


# ---- initrds, and container images ----

MIB = 1 << 20


def build(folder, *words, timeout=900):
    """What `rfm image build --json` says; the init of containers is the one that was built here."""
    init = {"RF_CONTAINER_INIT": str(paths.BUILD / "subos/container_init")}
    done = subprocess.run([paths.RFM, "image", "build", *words, "--json"], cwd=folder,
                          env=environment(folder) | init, capture_output=True, text=True,
                          timeout=timeout)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def put_blob(layout, data, kind):
    """A blob of an image layout, as what names it says it."""
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256").mkdir(parents=True, exist_ok=True)
    (layout / "blobs/sha256" / digest).write_bytes(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}",
            "size": len(data)}  # fmt: skip


def busybox_layer():
    """BusyBox and a link for each program that the test uses, as a layer; also an init, as Alpine
    has it, which is not to run."""
    busybox = packages.folder_of("busybox-static")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as layer:
        layer.add(busybox / packages.where(busybox, "busybox"), arcname="bin/busybox")
        for name in ("sh", "id", "mount", "nproc", "cat", "echo", "sleep", "hostname", "init"):
            link = tarfile.TarInfo(f"sbin/{name}" if name == "init" else f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            layer.addfile(link)
    return out.getvalue()


def image_layout(layout, **run):
    """An image layout with BusyBox, whose configuration says @run."""
    config = {"os": "linux", "architecture": "amd64", "config": run}
    manifest = {
        "schemaVersion": 2,
        "config": put_blob(layout, json.dumps(config).encode(), "config.v1+json"),
        "layers": [put_blob(layout, busybox_layer(), "layer.v1.tar+gzip")],
    }
    named = put_blob(layout, json.dumps(manifest).encode(), "manifest.v1+json")
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return layout


def test_image_of_another_machine(folder):
    """One line says which, and nothing is left."""
    layout = image_layout(folder.parent / f"{folder.name}-arm", Cmd=["sh"])
    index = json.loads((layout / "index.json").read_text())
    index["manifests"][0]["platform"] = {"os": "linux", "architecture": "arm64"}
    (layout / "index.json").write_text(json.dumps(index))
    done = image(folder, "--initrd", "new", "--oci", layout)
    assert done.returncode == BAD_FILE
    assert "is for linux/arm64, and this machine is linux/amd64" in done.stderr
    assert unchanged(folder)


@pytest.mark.skipif(not shutil.which("umoci"), reason="no umoci")
def test_image_as_umoci_makes_it(folder):
    """Whatever it puts into its layouts and bundles is understood."""
    place = folder.parent / f"{folder.name}-umoci"
    place.mkdir()

    def umoci(*words):
        subprocess.run(["umoci", *words], cwd=place, check=True)

    umoci("init", "--layout", "image")
    umoci("new", "--image", "image:one")
    # Not by umoci insert: what that writes ends in the middle of a block.
    umoci("unpack", "--rootless", "--image", "image:one", "first")
    (place / "first/rootfs/bin").mkdir()
    (place / "first/rootfs/bin/sh").write_text("shell")
    umoci("repack", "--image", "image:one", "first")
    umoci("config", "--image", "image:one", "--config.cmd", "/bin/sh")
    umoci("unpack", "--rootless", "--image", "image:one", "bundle")
    for number, source in enumerate(("image:one", "image", "bundle")):
        result = build(place, "--initrd", f"{number}.initrd", "--oci", source)
        assert result["oci"] == source and result["suite"] is None
        with open(place / f"{number}.initrd", "rb") as file:
            words = "zstd -dc | cpio -it --quiet"
            names = subprocess.run(["sh", "-c", words], stdin=file, capture_output=True, text=True)
        assert {"bin/sh", "sbin/init", "init"} <= set(names.stdout.split("\n"))


@pytest.mark.extended
@pytest.mark.budget(300)
def test_container_runs_its_command(machines, folder):
    """As the image says: its words, environment, folder and user; and it ends as it should."""
    script = ("id -u; hostname; echo $WORD; pwd; nproc; trap 'echo asked to stop; exit 0' INT; "
              "echo ready; while :; do sleep 1; done")  # fmt: skip
    layout = image_layout(folder / "image", Entrypoint=["/bin/sh", "-c"], Cmd=[script],
                          Env=["WORD=given", "PATH=/bin"], WorkingDir="/proc", User="5:6",
                          StopSignal="SIGINT")  # fmt: skip
    supervisor = Supervisor(machines(mem="4G"))
    result = build(folder, "--initrd", "image.img", "--oci", layout, "--hostname", "box",
                   "--kernel", supervisor.version)  # fmt: skip
    supervisor.machine.put(folder / "image.img", "/tmp/image.img")
    memory = f"{result['memory'] // MIB}M"
    supervisor.create("box", "2-3", "--initrd", "/tmp/image.img", mem=memory)
    with supervisor.session("rfm", "console", "box", "--read-only", size=(24, 80)) as console:
        for word in ("5", "box", "given", "/proc", "2", "ready"):
            console.expect(f"\n{word}\n", timeout=60)
        assert not troubles(supervisor.log("box"))
        supervisor.ok("stop", "box")
    assert supervisor.show("box")["cause"] == "poweroff"
    log = supervisor.log("box")
    assert "sh ended with status 0" in log, log[-2000:]
    supervisor.destroy("box")


@pytest.mark.extended
@pytest.mark.budget(900)
def test_initrd_boots_to_a_login(machines, folder):
    """A whole Debian without any disk: a login on the console, with the password that was given."""
    kernel = kernels.find("amd64")
    where = [f"--mirror={path}" for path in debian.mirror()]
    result = build(folder, "--initrd", "web.img", "--hostname", "web", "--root-password", "secret",
                   "--kernel", kernel.version, "--boot", "boot", *where)  # fmt: skip
    assert result["kernels"] == [kernel.version]
    supervisor = Supervisor(machines(mem="6G"))
    supervisor.machine.put(folder / "web.img", "/tmp/web.img", timeout=600)
    supervisor.create("web", "2-3", "--initrd", "/tmp/web.img", mem=f"{result['memory'] // MIB}M",
                      timeout=300)  # fmt: skip
    with supervisor.session("rfm", "console", "web", size=(24, 80)) as console:
        console.expect("web login: ", timeout=400)
        console.send("root\r")
        console.expect("Password: ", timeout=60)
        console.send("secret\r")
        console.expect("root@web:~# ", timeout=60)
        console.send("modprobe overlay && systemctl is-system-running; uname -r\r")
        console.expect(kernel.version, timeout=120)
        console.send("\x1d")
    assert not troubles(supervisor.log("web"))
    supervisor.ok("stop", "web")
    assert supervisor.show("web")["cause"] == "poweroff"
    supervisor.destroy("web")
