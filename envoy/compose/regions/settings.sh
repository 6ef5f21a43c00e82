# shellcheck shell=sh disable=SC2034  # read by ../prepare.sh and by the template
# Two regions, with the registries of the stack or with your own.
REGISTRY_HOSTNAME=${REGISTRY_HOSTNAME:-registry.localhost}
EU_REGISTRY_URL=${EU_REGISTRY_URL:-http://eu:5000}
CN_REGISTRY_URL=${CN_REGISTRY_URL:-http://cn:5000}
CN_NETWORKS=${CN_NETWORKS:-192.0.2.0/24, 2001:db8:86::/48}
# With the profile `cache` the policy has the two nodes that the profile starts. Docker chooses the addresses that they ask from, among
# these; nobody outside of the stack's network reaches the port that fills them.
CACHES=''
CACHE_FIRST=''
case ",${COMPOSE_PROFILES:-}," in
  *,cache,*)
    CACHES='caches: {near: {nodes: ["http://cache-1:8300", "http://cache-2:8300"], fill_from: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}}'
    CACHE_FIRST='cache@near, '
    ;;
esac
HOSTS="$REGISTRY_HOSTNAME localhost 127.0.0.1"
# The policy twice: for clients that come themselves, and for a proxy of yours that says who they are.
POLICIES="portolan.yaml.template:portolan.yaml forwarded.yaml.template:forwarded.yaml"

hint() {
  cat <<END_OF_HINT
Push, and pull what was pushed (it goes to the registry eu, and cn copies it from there):
  docker tag IMAGE localhost:$PORT/demo/app:v1
  docker push localhost:$PORT/demo/app:v1
  docker pull localhost:$PORT/demo/app:v1
Behind Docker's network all clients look alike. The second front, at port $FORWARDED_PORT, believes X-Forwarded-For, so that you can be
anybody; the log of the service "forwarded" says who was served by whom:
  curl -k https://localhost:$FORWARDED_PORT/v2/demo/app/manifests/v1 -H 'x-forwarded-for: 198.51.100.7'
  curl -k https://localhost:$FORWARDED_PORT/v2/demo/app/manifests/v1 -H 'x-forwarded-for: 192.0.2.7'
END_OF_HINT
  [ -z "$CACHES" ] || cat <<END_OF_HINT
What is pulled by digest, as every layer is, is kept by two nodes of a cache. How they are used:
  docker compose exec cache-1 /usr/local/bin/portolan cache status http://127.0.0.1:8300
END_OF_HINT
}
