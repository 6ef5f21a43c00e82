# shellcheck shell=sh disable=SC2034  # read by ../prepare.sh and by the template
# Pull-through caches behind one name, as registry-cache has them: REGISTRY_DOMAIN and the accounts keep their names.

# The first address of this machine, in the eight digits that nip.io reads: registry.c0a80105.nip.io is 192.168.1.5.
hexadecimal_address() {
  address=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -m1 -E '^[0-9]+(\.[0-9]+){3}$') || address=127.0.0.1
  # shellcheck disable=SC2046  # four numbers, one after the other
  printf '%02x' $(echo "$address" | tr . ' ')
}

REGISTRY_DOMAIN=${REGISTRY_DOMAIN:-registry.$(hexadecimal_address).nip.io}
HOSTS="$REGISTRY_DOMAIN docker.io.$REGISTRY_DOMAIN ghcr.io.$REGISTRY_DOMAIN quay.io.$REGISTRY_DOMAIN localhost 127.0.0.1"
POLICIES="portolan.yaml.template:portolan.yaml"

hint() {
  cat <<END_OF_HINT
Pull:
  docker pull docker.io.$REGISTRY_DOMAIN:$PORT/library/alpine:3
  docker pull ghcr.io.$REGISTRY_DOMAIN:$PORT/OWNER/IMAGE:TAG
  docker pull quay.io.$REGISTRY_DOMAIN:$PORT/OWNER/IMAGE:TAG
  docker pull localhost:$PORT/library/alpine:3          on this machine, from Docker Hub
For k3s and k3d, containerd, Docker, podman:
  curl -k $SCHEME://$REGISTRY_DOMAIN:$PORT/registries.yaml
END_OF_HINT
}
