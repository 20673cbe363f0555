"""Reads kleos.awards.v1 as anybody would: with Confluent's client, registry and deserializer, and nothing of Kleos."""

import json
import sys

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC = "kleos.awards.v1"


def main(brokers, registry):
    decode = AvroDeserializer(SchemaRegistryClient({"url": registry}))
    context = SerializationContext(TOPIC, MessageField.VALUE)
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "a-data-engineer", "isolation.level": "read_committed",
        "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = consumer.list_topics(TOPIC, timeout=30).topics[TOPIC].partitions
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
    open_partitions = set(partitions)
    while open_partitions:
        message = consumer.poll(30)
        if message is None:
            raise SystemExit("no record and no end of a partition within 30 s")
        if message.error():
            if message.error().name() != "_PARTITION_EOF":
                raise SystemExit(str(message.error()))
            open_partitions.discard(message.partition())
            continue
        award = decode(message.value(), context)
        print(json.dumps({"key": message.key().decode(), "partition": message.partition(), "offset": message.offset(),
                          "award": award}, default=str))
    consumer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
