"""What Amazon's own library says: it sends one message to a server of the test,
or signs a request that is described to it, at the time that is described."""
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

asked = json.load(sys.stdin)
if "publish" in asked:
    client = Session().create_client(
        "sns", region_name=asked["region"], endpoint_url=asked["origin"],
        aws_access_key_id=asked["account"], aws_secret_access_key=asked["secret"],
        config=Config(retries={"max_attempts": 0}))
    json.dump(client.publish(**asked["publish"])["MessageId"], sys.stdout)
else:
    auth = SigV4Auth(Credentials(asked["account"], asked["secret"]), "sns", asked["region"])
    request = AWSRequest("POST", asked["url"], headers=asked["headers"], data=asked["body"])
    request.context["timestamp"] = asked["at"]
    auth._modify_request_before_signing(request)
    whole = auth.canonical_request(request)
    auth._inject_signature_to_request(request, auth.signature(auth.string_to_sign(request, whole), request))
    json.dump(request.headers["Authorization"], sys.stdout)
