# syntax=docker/dockerfile:1

# The program is the same on every processor: it is built once, on the builder's own, whatever the image is for.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /src

# What decides which packages are needed, alone: this layer is made anew only when one of these files changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY ChatApi.Domain/ChatApi.Domain.csproj ChatApi.Domain/packages.lock.json ChatApi.Domain/
COPY ChatApi.Application/ChatApi.Application.csproj ChatApi.Application/packages.lock.json ChatApi.Application/
COPY ChatApi.Infrastructure/ChatApi.Infrastructure.csproj ChatApi.Infrastructure/packages.lock.json ChatApi.Infrastructure/
COPY ChatApi.Web/ChatApi.Web.csproj ChatApi.Web/packages.lock.json ChatApi.Web/
RUN dotnet restore ChatApi.Web/ChatApi.Web.csproj --locked-mode

COPY . .
RUN dotnet publish ChatApi.Web/ChatApi.Web.csproj --configuration Release --no-restore --output /app \
    && mkdir -p /chatapi/data

# Neither a shell nor a package manager is in it, and its user is not root.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
COPY --from=build /app /app

# data/ belongs to the working directory: the SQLite file, where there is no DATABASE_URL. A new volume takes its owner over.
COPY --from=build --chown=1654:1654 /chatapi /chatapi
WORKDIR /chatapi

# By its number, or Kubernetes cannot tell that it is not root.
USER 1654

# SQLite's own temporary files (what a large statement changes, sorts, rebuilds of indexes) go where the database is: nothing else can be written to.
# The base image's ports are set by a variable that PORT wins over, with a warning. Diagnostics (dotnet-trace, dotnet-dump) would
# write to /tmp: to have them, set this to 1 and mount a tmpfs there.
ENV PORT=8080 ASPNETCORE_HTTP_PORTS= DOTNET_EnableDiagnostics=0 SQLITE_TMPDIR=/chatapi/data
EXPOSE 8080

# As a list: the program itself is process 1 and gets SIGTERM. There is no HEALTHCHECK, docs/containers.md says why.
ENTRYPOINT ["dotnet", "/app/ChatApi.Web.dll"]
