# Stands for the image of the same name: the program from its Go module, and busybox for a shell and wget.
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY vmagent /vmagent-prod
ENTRYPOINT ["/vmagent-prod"]
