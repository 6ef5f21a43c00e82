//! Compiles followed redirects: only to hosts that the policy names, and never to the proxy itself.

use crate::config::backend::Backend;
use crate::config::backend::followed_redirects::{
    FollowedRedirects, RedirectHandling, RedirectHost,
};
use crate::config::compile::per_region::RegionNames;
use crate::config::front::Fronts;
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::{FollowWire, FollowedRedirectsWire};

/// The redirects of the backend at `path`.
#[inline(never)]
pub(crate) fn compile(
    wire: FollowedRedirectsWire,
    regions: &RegionNames<'_>,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> FollowedRedirects {
    let by_region = regions.spread(&wire.redirects, &path.key("redirect_handling"), mistakes);
    // What is written, also for a region that is drained for an hour.
    let followed = wire.redirects.any(|redirect| *redirect == RedirectHandling::Follow);
    let is_bounded = wire.follow.is_some();
    let FollowWire { hosts, names_hosts, private_addresses, ca_file } =
        wire.follow.unwrap_or_default();
    if followed && !names_hosts {
        let message = "says nowhere to; write `followed_redirects: {hosts: [HOST]}` with the hosts that the \
             registry keeps its blobs at";
        mistakes.add(&path.key("redirect_handling"), message);
    }
    if !followed && is_bounded {
        let message = "no region has its redirects followed; write `redirect_handling: follow`, or leave \
             `followed_redirects` out";
        mistakes.add(&path.key("followed_redirects"), message);
    }
    if !private_addresses {
        check_addresses(&hosts, &path.key("followed_redirects"), mistakes);
    }
    let allowed: Vec<&str> = hosts.iter().map(RedirectHost::as_str).collect();
    FollowedRedirects { allowed: allowed.join(" "), by_region, hosts, private_addresses, ca_file }
}

/// An address is not looked up, so what is looked up cannot be kept from being private.
fn check_addresses(hosts: &[RedirectHost], path: &Path<'_>, mistakes: &Mistakes) {
    for (index, host) in hosts.iter().enumerate().filter(|(_, host)| host.is_address()) {
        let message = format!(
            "`{}` is an address; write the host's name, or `private_addresses: true` if it is in a \
             network of your own",
            host.as_str()
        );
        mistakes.add(&path.key("hosts").item(index), message);
    }
}

/// Tells the fronts which hosts are not theirs.
///
/// A virtual host of Envoy's takes the requests for each host that redirects may lead to. Were a
/// front among them, its clients would be taken for such a redirect.
#[inline(never)]
pub(crate) fn keep_apart(fronts: &mut Fronts, backends: &[Backend], mistakes: &Mistakes) {
    let root = Path::Root.key("backends");
    for backend in backends {
        let path = root.key(backend.name());
        for (index, host) in backend.followed_redirects().hosts().iter().enumerate() {
            let front = fronts.by_host.keys().find(|front| host.covers(front.as_str()));
            if let Some(front) = front {
                let message = format!(
                    "`{}` covers `{}`, which is a front; name only the hosts that the registry \
                     keeps its blobs at",
                    host.as_str(),
                    front.as_str()
                );
                mistakes.add(&path.key("followed_redirects").key("hosts").item(index), message);
            }
            fronts.redirect_hosts.push(host.clone());
        }
    }
}
