"""onvif-zeep without its habits: shared parsed WSDLs, no calls while it is constructed.

As it comes, an ``ONVIFCamera`` parses 10 MB of WSDL for each camera, leaves an event subscription
on it (known to hang cameras), follows redirects and waits for ever.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from zeep import Client, Settings
from zeep.transports import Transport
from zeep.wsdl import Document
from zeep.wsse.username import UsernameToken

from gateway.model.errors import ErrorKind, GatewayError


@contextlib.contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Undo what importing onvif does to the root logger (logging.basicConfig at import)."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


with _logging_left_alone():
    import onvif
    from onvif import ONVIFCamera, ONVIFService
    from onvif.exceptions import ONVIFError

__all__ = ["DEVICE", "MEDIA", "Documents", "ONVIFError", "QuietCamera"]

DEVICE: Final = "devicemgmt"
MEDIA: Final = "media"


class Documents:
    """The parsed WSDLs, loaded once and shared read-only by all cameras and threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(onvif.__file__).parents[1] / "wsdl"
        self._lock = threading.Lock()
        self._settings = Settings(strict=False, xml_huge_tree=False)
        self._loaded: dict[str, Document] = {}

    @property
    def folder(self) -> str:
        """Where the WSDL files are."""
        return str(self._folder)

    def get(self, path: str) -> Document:
        """Return the parsed document; the first call of each takes about 60 ms.

        Raises INTERNAL when the files are missing (an installation without data files).
        """
        with self._lock:
            document = self._loaded.get(path)
            if document is None:
                if not Path(path).is_file():
                    raise GatewayError(
                        ErrorKind.INTERNAL,
                        f"the ONVIF description {path} is missing",
                        "install onvif-zeep again with the Python that runs the gateway",
                    )
                document = Document(path, Transport(cache=None), settings=self._settings)
                self._loaded[path] = document
        return document

    def client(self, path: str, token: UsernameToken | None, transport: Transport) -> Client:
        """Return a zeep client of one camera on the shared document."""
        return Client(self.get(path), wsse=token, transport=transport, settings=self._settings)


class QuietCamera(ONVIFCamera):  # type: ignore[misc]  # onvif-zeep has no types
    """onvif-zeep's camera, reduced to building services; it asks nothing by itself.

    ``device_url`` is the whole device-service URL; ``services`` maps namespaces to URLs.
    """

    def __init__(self, documents: Documents, device_url: str, transport: Transport) -> None:
        # The library's own constructor is left out on purpose: it calls the camera and
        # subscribes to its events.
        self._documents = documents
        self._device_url = device_url
        self.transport = transport
        self.wsdl_dir = documents.folder
        self.xaddrs: dict[str, str] = {}
        self.token: UsernameToken | None = None
        self.to_dict = ONVIFService.to_dict

    def get_definition(self, name: str, portType: str | None = None) -> tuple[str, str, str]:  # noqa: N803  # the library's name
        """Return URL, WSDL path and binding; the device service is where it was found."""
        if name == DEVICE:
            binding = "{http://www.onvif.org/ver10/device/wsdl}DeviceBinding"
            return self._device_url, f"{self.wsdl_dir}/devicemgmt.wsdl", binding
        url, path, binding = super().get_definition(name, portType)
        return str(url), str(path), str(binding)

    def create_onvif_service(
        self,
        name: str,
        from_template: bool = True,  # noqa: ARG002, FBT001, FBT002  # the library's signature
        portType: str | None = None,  # noqa: N803  # the library's name
    ) -> Any:
        """Make a service of this camera on the shared documents."""
        url, path, binding = self.get_definition(name, portType)
        client = self._documents.client(path, self.token, self.transport)
        return ONVIFService(
            url, "", "", path, zeep_client=client, binding_name=binding, portType=portType
        )
