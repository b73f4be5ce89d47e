# Node without debug symbols, which saves 4 MB of a download. The image's Dockerfile copies node from it.
#
#   docker build -t node-stripped - <.ci/image/node.Dockerfile
#   docker build --build-arg NODE_IMAGE=node-stripped .
#
# This is a separate build because it needs the network and a machine (or emulation) of the image's architecture. The
# image's Dockerfile needs neither.
ARG NODE_IMAGE=node:24.21.0-alpine3.24
FROM ${NODE_IMAGE}
RUN apk add --no-cache binutils && strip /usr/local/bin/node
