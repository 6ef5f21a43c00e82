"""What all tests here are about: one node with the images, and what is on it before a release of the chart."""

from collections.abc import Iterator

import pytest
from harness.released_image import build, build_of_nodes

from kubernetes import images
from kubernetes.clients import CLIENTS, pod
from kubernetes.node import Node, of_list
from kubernetes.site import Site


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    directory = tmp_path_factory.mktemp("node")
    node = Node(directory / "node")
    for archive in [*images.write_all(directory), build(directory), build_of_nodes(directory)]:
        node.load(archive)
    yield node
    node.stop()


@pytest.fixture(scope="session")
def site(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Site:
    directory = tmp_path_factory.mktemp("site")
    images.write_all(directory)
    site = Site(node, directory)
    node.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": CLIENTS}})
    node.until_it_succeeds("apply", "-f", "-", stdin=of_list(pod("near", images.CLIENT), pod("far", images.CLIENT)))
    node.kubectl("wait", "--for=condition=Ready", "pod/near", "pod/far", "--namespace", CLIENTS, "--timeout=120s")
    return site
