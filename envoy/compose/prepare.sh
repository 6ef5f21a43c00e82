#!/bin/sh
# Runs once before a stack: writes the policy from its template and, if there is no certificate of your own, makes one.
#
# A stack's /stack/settings.sh sets HOSTS (names of the certificate), POLICIES (templates below /stack and the files that they
# become, as TEMPLATE:FILE), and defines `hint`, which says how the stack is used.
set -eu

STACK=${STACK:-/stack}
PLACE=${PLACE:-/etc/portolan}
OWN_CERTIFICATE=${OWN_CERTIFICATE:-/own-tls}
VOLUMES=${VOLUMES:-/volumes}
DAYS=397

die() {
  echo "prepare: $*" >&2
  exit 1
}

# filled TEMPLATE: the file with ${NAME} replaced by the variable's value, as the shell does it. What values hold is not read again.
filled() {
  eval "cat <<END_OF_TEMPLATE
$(cat "$1")
END_OF_TEMPLATE"
}

# The subjects of the certificate, in openssl's words.
subjects() {
  for host in $HOSTS; do
    case $host in
      *[!0-9.]*) printf 'DNS:%s,' "$host" ;;
      *) printf 'IP:%s,' "$host" ;;
    esac
  done | sed 's/,$//'
}

# An authority for this stack alone, and a certificate of it for HOSTS.
make_certificate() {
  tls=$1
  work=$(mktemp -d)
  if [ ! -e "$tls/ca.crt" ] || [ ! -e "$tls/ca.key" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=Portolan compose" \
      -addext "keyUsage=critical,keyCertSign" -keyout "$work/ca.key" -out "$work/ca.crt" 2>/dev/null
    mv "$work/ca.key" "$work/ca.crt" "$tls/"
    chmod 400 "$tls/ca.key"
  fi
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=Portolan" \
    -keyout "$work/tls.key" -out "$work/request" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$(subjects)" >"$work/extensions"
  openssl x509 -req -days "$DAYS" -in "$work/request" -extfile "$work/extensions" -CA "$tls/ca.crt" -CAkey "$tls/ca.key" \
    -CAcreateserial -CAserial "$work/serial" -out "$work/tls.crt" 2>/dev/null
  install_certificate "$work/tls.crt" "$work/tls.key" "$tls"
  subjects >"$tls/subjects"
  rm -rf "$work"
}

# install_certificate CERTIFICATE KEY DIRECTORY: readable for Envoy's user alone.
install_certificate() {
  cp "$1" "$3/tls.crt.new"
  cp "$2" "$3/tls.key.new"
  chmod 444 "$3/tls.crt.new"
  chmod 400 "$3/tls.key.new"
  [ "$(id -u)" != 0 ] || chown 101:101 "$3/tls.key.new"
  mv -f "$3/tls.key.new" "$3/tls.key"
  mv -f "$3/tls.crt.new" "$3/tls.crt"
}

# Your own certificate; else one that is made for the names of now, and kept while they stay and it does not end soon.
certificate() {
  tls=$PLACE/tls
  mkdir -p "$tls"
  if [ -e "$OWN_CERTIFICATE/tls.crt" ]; then
    [ -e "$OWN_CERTIFICATE/tls.key" ] || die "there is a tls.crt in the directory TLS_DIRECTORY, but no tls.key"
    install_certificate "$OWN_CERTIFICATE/tls.crt" "$OWN_CERTIFICATE/tls.key" "$tls"
    rm -f "$tls/subjects"
    return
  fi
  if [ "$(cat "$tls/subjects" 2>/dev/null)" != "$(subjects)" ] ||
    ! openssl x509 -in "$tls/tls.crt" -noout -checkend 2592000 >/dev/null 2>&1; then
    make_certificate "$tls"
  fi
}

# Volumes of registries and caches begin as root's. They are mounted with `nocopy` there: Docker would give an empty one the owner that the
# image's directory has, at a time that differs between Compose 1.29 and 2.
give_volumes() {
  for volume in "$VOLUMES"/*; do
    case ${volume##*/} in
      cache-*) owner=101:101 ;;
      *) owner=1000:1000 ;;
    esac
    [ ! -d "$volume" ] || [ "$(id -u)" != 0 ] || chown "$owner" "$volume"
  done
}

TLS=
if [ "${USE_TLS:-true}" = true ]; then
  TLS="tls: {certificate_file: $PLACE/tls/tls.crt, key_file: $PLACE/tls/tls.key}"
  SCHEME=https
else
  SCHEME=http
fi

# shellcheck source=/dev/null
. "$STACK/settings.sh"
export TLS SCHEME

[ -z "$TLS" ] || certificate
for pair in $POLICIES; do
  filled "$STACK/${pair%%:*}" >"$PLACE/${pair##*:}.new"
  mv -f "$PLACE/${pair##*:}.new" "$PLACE/${pair##*:}"
done
give_volumes

hint
if [ -n "$TLS" ] && [ -e "$PLACE/tls/subjects" ]; then
  echo "The certificate is of an authority that was made here. Docker trusts it at localhost as it is; for other names, on each client:"
  for host in $HOSTS; do echo "  /etc/docker/certs.d/$host:$PORT/ca.crt"; done
  cat "$PLACE/tls/ca.crt"
fi
