"""How the programs of a node are called, and the files that they read. Every traps' reason stands where it is avoided."""

import json
import subprocess
from pathlib import Path
from typing import Any

from kubernetes.namespace import ADDRESS

NODE = "node-1"
DOMAIN = "cluster.local"
SERVICES = "10.96.0.0/16"
PODS = "10.239.0.0/24"
# Where the Service of a front is, and the name by which pods and the node ask it.
FRONT_ADDRESS = "10.96.0.50"
FRONT = "registry.test"
PAUSE = "docker.io/library/pause:1"
TOKEN = "token-of-the-administrator"
API_PORT, ETCD_PORT, ETCD_PEER_PORT = 6443, 2379, 2380


def etcd(place: Path) -> list[str]:
    """Arguments of etcd."""
    own, peer = f"http://127.0.0.1:{ETCD_PORT}", f"http://127.0.0.1:{ETCD_PEER_PORT}"
    return [
        *("--data-dir", f"{place}/etcd"),
        *("--listen-client-urls", own, "--advertise-client-urls", own),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
    ]


def apiserver(place: Path) -> list[str]:
    """Arguments of kube-apiserver."""
    return [
        f"--etcd-servers=http://127.0.0.1:{ETCD_PORT}",
        f"--secure-port={API_PORT}",
        "--bind-address=0.0.0.0",
        f"--advertise-address={ADDRESS}",
        f"--cert-dir={place}/certificates",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={place}/sa.pub",
        f"--service-account-signing-key-file={place}/sa.key",
        f"--token-auth-file={place}/tokens.csv",
        "--authorization-mode=Node,RBAC",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged=true",
        "--kubelet-preferred-address-types=InternalIP",
    ]


def controllers(place: Path) -> list[str]:
    """Arguments of kube-controller-manager, beside those that it shares."""
    return [
        f"--service-account-private-key-file={place}/sa.key",
        f"--root-ca-file={place}/certificates/apiserver.crt",
        "--use-service-account-credentials=false",
    ]


def proxy() -> list[str]:
    """Arguments of kube-proxy. It may not change limits of the kernel that are the machine's."""
    return [
        f"--hostname-override={NODE}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={PODS}",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]


def kubelet(place: Path) -> list[str]:
    """Arguments of the kubelet."""
    return [
        f"--config={place}/kubelet.json",
        f"--root-dir={place}/kubelet",
        f"--cert-dir={place}/kubelet-certificates",
        f"--hostname-override={NODE}",
        f"--node-ip={ADDRESS}",
    ]


def write(place: Path, sockets: Path) -> None:
    """Writes the files."""
    _keys(place)
    (place / "tokens.csv").write_text(f'{TOKEN},admin,1,"system:masters"\n')
    (place / "kubeconfig").write_text(json.dumps(_kubeconfig()))
    (place / "kubelet.json").write_text(json.dumps(_kubelet_configuration(sockets)))
    (place / "Corefile").write_text(_corefile(place))
    (place / "containerd.toml").write_text(_containerd(place, sockets))
    (place / "registries").mkdir()
    networks = place / "cni"
    networks.mkdir()
    (networks / "10-pods.conflist").write_text(json.dumps(_network(place / "addresses")))


def _keys(place: Path) -> None:
    """What signs the tokens of service accounts."""
    key = ["openssl", "genrsa", "-out", str(place / "sa.key"), "2048"]
    public = ["openssl", "rsa", "-in", str(place / "sa.key"), "-pubout", "-out", str(place / "sa.pub")]
    for command in (key, public):
        subprocess.run(command, check=True, capture_output=True, timeout=60)


def _kubeconfig() -> dict[str, Any]:
    cluster = {"server": f"https://127.0.0.1:{API_PORT}", "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "clusters": [{"name": "node", "cluster": cluster}],
        "users": [{"name": "admin", "user": {"token": TOKEN}}],
        "contexts": [{"name": "node", "context": {"cluster": "node", "user": "admin"}}],
    }


def _kubelet_configuration(sockets: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{sockets}/containerd.sock",
        "clusterDNS": [ADDRESS],
        "clusterDomain": DOMAIN,
        "failSwapOn": False,
        "failCgroupV1": False,
        "evictionHard": {"nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "resolvConf": "",
        # ConfigMaps reach pods at such a sync; a minute unless told.
        "syncFrequency": "5s",
    }


def _corefile(place: Path) -> str:
    front = f"{FRONT}:53 {{\n bind {ADDRESS}\n hosts {{\n  {FRONT_ADDRESS} {FRONT}\n }}\n}}\n"
    cluster = f".:53 {{\n bind {ADDRESS}\n errors\n kubernetes {DOMAIN} {{\n  kubeconfig {place}/kubeconfig node\n }}\n}}\n"
    return front + cluster


def _containerd(place: Path, sockets: Path) -> str:
    """TOML writes strings as JSON does. Debian's containerd is of version 1.6."""
    return f"""
version = 2
root = {json.dumps(str(place / "containerd"))}
state = {json.dumps(str(sockets / "state"))}
[grpc]
address = {json.dumps(str(sockets / "containerd.sock"))}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = {json.dumps(PAUSE)}
# In a container of its own the node may not lower the score by which the kernel chooses whom to end.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = {json.dumps(str(place / "cni"))}
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = {json.dumps(str(place / "registries"))}
"""


def _network(given: Path) -> dict[str, Any]:
    """A bridge. Which addresses are given away is written down here, and not where the machine has its own."""
    addresses = {"type": "host-local", "dataDir": str(given), "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": "pods0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}
