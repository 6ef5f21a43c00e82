# shellcheck shell=sh disable=SC2034  # read by ../prepare.sh and by the template
# A pull-through cache and a hosted registry behind one name, as docker-combined-registry has them.
AGGREGATE_HOSTNAME=${AGGREGATE_HOSTNAME:-registry.localhost}
HOSTED_HOSTNAME=${HOSTED_HOSTNAME:-hosted.localhost}
PROXY_HOSTNAME=${PROXY_HOSTNAME:-proxy.localhost}
OWN_REPOSITORIES=${OWN_REPOSITORIES:-own/**, team-*/**}
HOSTS="$AGGREGATE_HOSTNAME $HOSTED_HOSTNAME $PROXY_HOSTNAME localhost 127.0.0.1"
POLICIES="portolan.yaml.template:portolan.yaml"

# quoted LIST: `own/**, team-*/**` as YAML has it.
quoted() {
  echo "$1" | tr -d ' "' | sed 's/[^,][^,]*/"&"/g; s/,/, /g'
}

OWN=$(quoted "$OWN_REPOSITORIES")
AUTH=
ENABLE_AUTH=${ENABLE_AUTH:-false}
case $ENABLE_AUTH in
  true) AUTH='auth: {basic: {verifier: "http://verifier:8080/"}}' ;;
  false) ;;
  *) die "ENABLE_AUTH is \"$ENABLE_AUTH\"; write true or false" ;;
esac

hint() {
  cat <<END_OF_HINT
Pull a public image, push one of your own ($OWN_REPOSITORIES):
  docker pull localhost:$PORT/library/alpine:3
  docker tag IMAGE localhost:$PORT/own/app:v1
  docker push localhost:$PORT/own/app:v1
The same by name: $AGGREGATE_HOSTNAME:$PORT; the hosted registry alone: $HOSTED_HOSTNAME:$PORT; the cache alone: $PROXY_HOSTNAME:$PORT
END_OF_HINT
  [ -z "$AUTH" ] || echo "First: docker login localhost:$PORT, with an account of the htpasswd file"
}
