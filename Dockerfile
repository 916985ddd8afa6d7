FROM python:3.12-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels pip install --no-cache-dir --no-index --find-links /wheels mockspi \
    && useradd --create-home mockspi
USER mockspi
WORKDIR /home/mockspi
EXPOSE 8080 8081
HEALTHCHECK --interval=2s --timeout=3s --retries=30 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8081/health/ready', timeout=2)"]
ENTRYPOINT ["mockspi"]
CMD ["serve", "--host", "0.0.0.0", "--admin-host", "0.0.0.0", "--state", "memory"]
