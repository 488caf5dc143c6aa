# The program alone: no shell, no libraries, no user but nobody. How to run it
# stands in docs/operate/docker.md.
FROM golang:1.26 AS build
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -tags no_otel -ldflags=-s -o /sallyport ./cmd/sallyport
RUN mkdir /empty

FROM scratch
# The authorities whose certificates mail servers and SMS gateways show.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /sallyport /sallyport
COPY --from=build --chown=65534:65534 /empty /data
COPY --from=build --chown=65534:65534 /empty /etc/sallyport
ENV SALLYPORT_DATA=/data SALLYPORT_LISTEN=:8080
USER 65534:65534
# Where commands look for sallyport.yaml.
WORKDIR /etc/sallyport
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/sallyport"]
CMD ["serve"]
