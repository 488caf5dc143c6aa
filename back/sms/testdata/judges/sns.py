"""What Amazon's own library says: it signs a request that is described to it, as
of the time that is described, and sends a message to a server of the test."""
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

asked = json.load(sys.stdin)
keys = Credentials(asked["account"], asked["secret"])
request = AWSRequest("POST", asked["url"], headers=asked["headers"], data=asked["body"])
request.context["timestamp"] = asked["at"]
auth = SigV4Auth(keys, "sns", asked["region"])
auth._modify_request_before_signing(request)
whole = auth.canonical_request(request)
auth._inject_signature_to_request(request, auth.signature(auth.string_to_sign(request, whole), request))

client = Session().create_client(
    "sns", region_name=asked["region"], endpoint_url=asked["origin"],
    aws_access_key_id=asked["account"], aws_secret_access_key=asked["secret"],
    config=Config(retries={"max_attempts": 0}))
ref = client.publish(**asked["publish"])["MessageId"]
json.dump({"signed": request.headers["Authorization"], "ref": ref}, sys.stdout)
