# Alpine with git, git-lfs and ssh: the base of the target `git` of the image's Dockerfile.
#
#   docker build -t alpine-git - <.ci/image/git.Dockerfile
#   docker build --target git --build-arg GIT_BASE_IMAGE=alpine-git .
#
# Alpine removes a package's older versions from its repository, so an exact version here would soon fail. The Alpine
# release fixes the minor versions, and the SBOM of a release lists the exact ones.
ARG BASE_IMAGE=alpine:3.24.2
FROM ${BASE_IMAGE}
# `git lfs install` makes a clone fetch LFS files too. apk's log and cache contain times.
RUN apk add --no-cache ca-certificates git git-lfs openssh-client-default && \
    git lfs install --system --skip-repo && \
    rm -f /var/log/apk.log
