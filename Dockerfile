# The images behind pipe.yml, `docker run` and job images: Alpine, Node and dist. The default is the small one; the target
# `git` adds git, git-lfs and ssh, for jobs that clone in the image. Nothing is RUN, so one build serves every architecture
# with neither emulation nor network (once the bases are there).

# Exact versions, so that a rebuild gives the same image; arguments, so that a release can hand in a node without symbols
# (.ci/image/node.Dockerfile) and a machine without a registry stand-ins (.ci/stand-in-base). All are on the same Alpine
# release, because Node is linked to its musl and libstdc++. `scripts/release/pin-images.ts` adds their digests.
ARG NODE_IMAGE=node:24.21.0-alpine3.24
ARG BASE_IMAGE=alpine:3.24.2
# Made by .ci/image/git.Dockerfile, because installing packages needs the network and the image's architecture.
ARG GIT_BASE_IMAGE=alpine-git

FROM ${NODE_IMAGE} AS node

# Node and the two libraries it is linked to, by full name: libstdc++.so.6 is a link there, its target is what is copied.
FROM scratch AS runtime
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/lib/libstdc++.so.6 /usr/lib/libstdc++.so.6
COPY --from=node /usr/lib/libgcc_s.so.1 /usr/lib/libgcc_s.so.1

FROM scratch AS program
# So that a job image (`entrypoint: [""]`) can say `bitbucket-token print`. A script, since COPY cannot make a link.
COPY .ci/image/bitbucket-token /usr/local/bin/bitbucket-token
# A pipe's image carries these three in its root; Bitbucket's own pipes read /pipe.yml.
COPY LICENSE README.md pipe.yml /
# package.json beside dist, for Node looks there for "type": "module".
COPY package.json /opt/bitbucket-token/package.json
COPY dist /opt/bitbucket-token/dist

# No version, revision or source in a label: a release knows them and passes --label, a copy in this file would go stale.
# No USER: a pipe must be root to write to the clone directory (docker run --user works all the same).
# No WORKDIR, and absolute paths: a pipe starts in the directory of the step's script, wherever that is.

FROM ${GIT_BASE_IMAGE} AS git
COPY --from=runtime / /
COPY --from=program / /
LABEL org.opencontainers.image.title="bitbucket-token with git" \
      org.opencontainers.image.description="A Bitbucket Cloud credential for a CI job, with git, git-lfs and ssh to use it" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["/usr/local/bin/node", "/opt/bitbucket-token/dist/index.js"]

# Plain Alpine brings /bin/sh for job images and /etc/ssl/certs/ca-certificates.crt; Node's own image would add npm,
# yarn and headers, which are most of its size and no use here.
FROM ${BASE_IMAGE}
# The program comes last, because it changes most often.
COPY --from=runtime / /
COPY --from=program / /
LABEL org.opencontainers.image.title="bitbucket-token" \
      org.opencontainers.image.description="A Bitbucket Cloud credential for a CI job: acquired, checked, masked, exported, cleaned up" \
      org.opencontainers.image.licenses="MIT"
ENTRYPOINT ["/usr/local/bin/node", "/opt/bitbucket-token/dist/index.js"]
