# Write an upload spec for the images in one directory of an S3 bucket.
import json

import boto3

REGION = "eu-west-2"
BUCKET = "<bucket>"
DIRECTORY = "drives/monday"
OUTPUT = "upload_images.json"

bucket = boto3.Session(region_name=REGION).resource("s3").Bucket(BUCKET)
images = []
for summary in bucket.objects.all():
    directory, _, name = summary.key.rpartition("/")
    if directory == DIRECTORY and name:
        images.append({"objectUrl": f"https://s3.{REGION}.amazonaws.com/{BUCKET}/{summary.key}"})

with open(OUTPUT, "w") as file:
    json.dump({"images": images, "skip_duplicate_urls": True}, file, indent=4)
