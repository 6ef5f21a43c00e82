//! The built command from the outside: what it prints where, and how it ends.

#[cfg(test)]
mod check;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod credential;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod explain_images;
#[cfg(test)]
mod explain_log;
#[cfg(test)]
mod init;
#[cfg(test)]
mod init_sources;
#[cfg(test)]
mod json_schema;
#[cfg(test)]
mod old_policies;
#[cfg(test)]
mod portolan;
#[cfg(test)]
mod redirects;
mod render;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod wrong_policies;
