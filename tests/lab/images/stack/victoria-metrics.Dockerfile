# Stands for the image of the same name: the program from its Go module, and busybox for a shell, wget, df and du.
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY victoria-metrics /victoria-metrics-prod
ENTRYPOINT ["/victoria-metrics-prod"]
