'use strict';
// Takes signed webhooks over HTTP and answers each when Kafka has acknowledged it, as one writes it with Express: one produce
// request for each webhook, awaited.
//
//   node server.js CLIENT HOST:PORT BROKERS TOPIC SECRET      CLIENT: kafkajs, or confluent
const crypto = require('node:crypto');
const express = require('express');

const ACCEPTED = { status: 'success', event_id: '00000000-0000-0000-0000-000000000000' };

// Both wait for all in-sync replicas.
const clients = {
  // Not idempotent: kafkajs calls that an experiment, and has one request at a time under way then.
  async kafkajs(brokers, topic) {
    const { Kafka, logLevel } = require('kafkajs');
    const producer = new Kafka({ brokers, logLevel: logLevel.ERROR }).producer({ idempotent: false });
    await producer.connect();
    return (value) => producer.send({ topic, acks: -1, messages: [{ value }] });
  },
  async confluent(brokers, topic) {
    const { Kafka, logLevel } = require('@confluentinc/kafka-javascript').KafkaJS;
    const kafka = new Kafka({ kafkaJS: { brokers, logLevel: logLevel.ERROR } });
    const producer = kafka.producer({ kafkaJS: { acks: -1, idempotent: true }, 'linger.ms': 2 });
    await producer.connect();
    return (value) => producer.send({ topic, messages: [{ value }] });
  },
};

function isSigned(body, signature, secret) {
  const expected = crypto.createHmac('sha256', secret).update(body).digest();
  const shown = Buffer.from(signature ?? '', 'hex');
  return shown.length === expected.length && crypto.timingSafeEqual(shown, expected);
}

async function main([client, listen, brokers, topic, secret]) {
  const store = await clients[client](brokers.split(','), topic);
  const app = express().disable('x-powered-by').disable('etag');
  app.post('*', express.raw({ type: () => true, limit: '1mb' }), async (request, response) => {
    if (!isSigned(request.body, request.get('x-signature'), secret)) {
      return response.status(401).json({ status: 'error', error: 'authentication_failed' });
    }
    try {
      await store(request.body);
    } catch (error) {
      console.error(error.message);
      return response.status(503).set('retry-after', '1').json({ status: 'error', error: 'append_failed' });
    }
    return response.status(202).json(ACCEPTED);
  });
  const [host, port] = listen.split(':');
  app.listen(Number(port), host);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
