//! Writes what the plan says, and waits for Envoy after each step.

use std::thread::sleep;
use std::time::{Duration, Instant};

use portolan_render::files::{Directory, FileSet, Kind, Resources, State};

use super::envoy::{Envoy, Statistics};
use super::error::ReloadError;
use super::plan::{Plan, Written};
use super::quiet::Quiet;

/// How often Envoy is asked.
const PAUSE: Duration = Duration::from_millis(50);
/// How long nothing may be under way at the clusters that go: between two attempts a request is
/// nowhere.
const QUIET: Duration = Duration::from_millis(300);

/// A directory, and the Envoys that read it.
pub(super) struct Reload<'a> {
    pub(super) directory: &'a Directory,
    pub(super) envoys: &'a [Envoy],
    pub(super) timeout: Duration,
    pub(super) settle: Duration,
}

impl Reload<'_> {
    /// Puts a policy in force.
    ///
    /// # Errors
    ///
    /// A file cannot be written, or an Envoy does not take one; then the policy before is in force
    /// still, and its files are there again.
    pub(super) fn to(&self, state: State, set: &FileSet) -> Result<Plan, ReloadError> {
        let now = written(self.directory, set)?;
        let plan = Plan::new(&now, set);
        self.directory.put_secrets(set)?;
        for files in [&plan.before, &plan.filters] {
            if let Err(error) = files.iter().try_for_each(|file| self.put(file)) {
                self.restore(&now, &plan, &state);
                return Err(error);
            }
        }
        // From here on the policy is in force, whatever happens.
        self.directory.put_bootstrap(set)?;
        self.directory.note(state, set)?;
        self.wait_for_requests(&plan)?;
        plan.after.iter().try_for_each(|file| self.put(file))?;
        self.directory.remove_other_secrets(set)?;
        Ok(plan)
    }

    /// Replaces a file and waits until all workers of all Envoys have it.
    fn put(&self, file: &Resources) -> Result<(), ReloadError> {
        let before: Vec<Statistics> =
            self.envoys.iter().map(Envoy::statistics).collect::<Result<_, _>>()?;
        self.directory.put(file)?;
        for (envoy, before) in self.envoys.iter().zip(&before) {
            self.wait_for(envoy, before, file)?;
        }
        Ok(())
    }

    fn wait_for(
        &self,
        envoy: &Envoy,
        before: &Statistics,
        file: &Resources,
    ) -> Result<(), ReloadError> {
        let begun = Instant::now();
        let (what, address) = (file.kind.word(), envoy.address());
        loop {
            let now = envoy.statistics()?;
            if now.refusals(&file.kind) > before.refusals(&file.kind) {
                return Err(ReloadError::Refused { what, address, why: envoy.reason_of_refusal() });
            }
            if is_taken(file, before, &now) {
                return Ok(());
            }
            if begun.elapsed() > self.timeout {
                return Err(ReloadError::Late { what, address, after: self.timeout });
            }
            sleep(PAUSE);
        }
    }

    /// Puts back what stood in the files that were replaced. Envoy may not have noticed them, or
    /// may not like these either; the policy before is in its memory all the same.
    fn restore(&self, now: &Written, plan: &Plan, state: &State) {
        let policy = state.versions.last().map_or("", |version| version.policy.as_str());
        for file in plan.filters.iter().rev().chain(plan.before.iter().rev()) {
            let Some(all) = now.get(&file.kind) else { continue };
            let old = Resources::new(file.kind.clone(), all.clone(), policy);
            if self.directory.put(&old).is_err() {
                return;
            }
        }
    }

    /// Waits until the requests that the policy before has decided about need its clusters no more,
    /// but not for ever.
    fn wait_for_requests(&self, plan: &Plan) -> Result<(), ReloadError> {
        let begun = Instant::now();
        let mut quiet = Quiet::default();
        while !plan.leaving.is_empty() && begun.elapsed() < self.settle {
            let mut requests = 0_u64;
            for envoy in self.envoys {
                requests = requests.saturating_add(envoy.requests_at(&plan.leaving)?);
            }
            if quiet.lasts(requests, Instant::now()) >= QUIET {
                break;
            }
            sleep(PAUSE);
        }
        Ok(())
    }
}

/// Whether Envoy has a file, on all workers. Envoy hands clusters and routes to the workers in the
/// order in which it gets them, before a filter that comes later; that all workers have a filter it
/// counts.
fn is_taken(file: &Resources, before: &Statistics, now: &Statistics) -> bool {
    if now.version(&file.kind) != file.version {
        return false;
    }
    match &file.kind {
        Kind::Clusters => now.number("cluster_manager.warming_clusters") == 0,
        Kind::Listeners => now.number("listener_manager.total_listeners_warming") == 0,
        Kind::Routes | Kind::Scrapes => true,
        kind @ Kind::Filter(_) => {
            before.version(kind) == file.version || now.reloads(kind) > before.reloads(kind)
        }
    }
}

/// What is written now, of the files that a policy has.
pub(super) fn written(directory: &Directory, set: &FileSet) -> Result<Written, ReloadError> {
    let kinds = set.resources().into_iter().map(|file| file.kind);
    let read = |kind: Kind| directory.resources(&kind).map(|all| (kind, all));
    Ok(kinds.map(read).collect::<Result<_, _>>()?)
}
