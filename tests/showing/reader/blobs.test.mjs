import { createServer } from "node:http";
import { test } from "node:test";
import { Artifact, FileBlob, MemoryBlob, UrlBlob } from "../../../ddcodec/showing/page/reader/index.js";
import { assert, dictionary, outcome, vectorFile } from "./support.mjs";

const FILE = "datasets/y_hard.ddz";

/** Serves `bytes` with a handler's whims while `use` runs; the requests that came. */
async function served(answer, use) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request.headers.range ?? "whole");
    answer(request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use(`http://127.0.0.1:${server.address().port}/x.ddz`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return requests;
}

/** Answers range requests as servers do. */
const ranged = (bytes, change = () => ({})) => {
  let number = 0;
  return (request, response) => {
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range);
    const end = Math.min(Number(to) + 1, bytes.length);
    const { body = bytes.subarray(Number(from), end), headers = {}, status = 206 } = change(number++);
    response.writeHead(status, {
      "Content-Range": `bytes ${from}-${end - 1}/${bytes.length}`,
      ETag: '"1"',
      ...headers,
    });
    response.end(body);
  };
};

/** The file, longer by an ancillary section, so that its header is a small part of it. */
const long = vectorFile("y_table_many_sections.ddz");

test("an artifact is read from memory, from a file and from a URL alike", async () => {
  const bytes = vectorFile(FILE);
  const image = async (blob) => (await (await Artifact.open(blob, { dictionary })).image(0, 1, 1)).data;
  const expected = await image(new MemoryBlob(bytes));
  assert.deepEqual(await image(new FileBlob(new Blob([bytes]))), expected);
  await served(ranged(bytes), async (url) =>
    assert.deepEqual(await image(await UrlBlob.open(url)), expected),
  );
  const whole = (_, response) => response.end(bytes);
  const requests = await served(whole, async (url) =>
    assert.deepEqual(await image(await UrlBlob.open(url)), expected),
  );
  assert.equal(requests.length, 1, "a server without ranges sends the file once");
});

test("a header takes one request, and a section another", async () => {
  assert.ok(long.length > 65536);
  const requests = await served(ranged(long), async (url) => {
    const artifact = await Artifact.open(await UrlBlob.open(url), { dictionary });
    const last = artifact.container.sections.at(-1);
    await artifact.container.raw(last);
    assert.ok(last.offset >= 65536);
  });
  assert.deepEqual(requests.slice(0, 1), ["bytes=0-65535"]);
  assert.ok(requests.length <= 3, requests.join());
});

test("a server that hides the length from pages of elsewhere sends the whole file", async () => {
  const bytes = vectorFile(FILE);
  const hiding = (request, response) => {
    if (request.headers.range) response.writeHead(206).end(bytes.subarray(0, 65536));
    else response.end(bytes);
  };
  await served(hiding, async (url) => assert.equal((await UrlBlob.open(url)).length, bytes.length));
});

test("what a server does wrong is an error of transport", async () => {
  const later = (what) => (number) => (number === 0 ? {} : what);
  const faults = {
    "another file": ranged(long, later({ headers: { ETag: '"2"' } })),
    "another length": ranged(long, later({ headers: { "Content-Range": "bytes 0-1/2" } })),
    "the whole file": ranged(long, later({ status: 200 })),
    "too few bytes": ranged(long, later({ body: Buffer.from("x") })),
    "a page that says no": (_, response) => response.writeHead(404).end("no"),
    nothing: (request) => request.socket.destroy(),
  };
  for (const [name, answer] of Object.entries(faults))
    await served(answer, async (url) => {
      const read = async () => {
        const blob = await UrlBlob.open(url);
        await blob.read(blob.length - 100, 100);
      };
      assert.equal(await outcome(read), "transport", name);
    });
});

test("keys in a URL are not told", async () => {
  const url = "https://name:secret@127.0.0.1:1/a.ddz?key=secret#secret";
  const refuse = async () => {
    throw new TypeError("no way");
  };
  await assert.rejects(UrlBlob.open(url, { fetch: refuse }), (error) => {
    assert.equal(error.message, "https://127.0.0.1:1/a.ddz cannot be read: no way");
    return error.code === "transport";
  });
});

test("a server cannot send without end", async () => {
  const flood = (_, response) => {
    const more = () => response.write(Buffer.alloc(65536), (error) => error || more());
    response.writeHead(200);
    more();
  };
  await served(flood, async (url) =>
    assert.equal(await outcome(() => UrlBlob.open(url, { mostWhole: 2 ** 20 })), "limit-exceeded"),
  );
});

test("nothing is read beyond the end", async () => {
  const bytes = vectorFile(FILE);
  for (const blob of [new MemoryBlob(bytes), new FileBlob(new Blob([bytes]))])
    assert.equal(await outcome(() => blob.read(bytes.length - 1, 2)), "truncated");
  await served(ranged(bytes), async (url) => {
    const blob = await UrlBlob.open(url);
    assert.equal(await outcome(() => blob.read(bytes.length - 1, 2)), "truncated");
    assert.equal(await outcome(() => blob.read(bytes.length, 1)), "truncated");
  });
});

test("an empty file is cut short, wherever it lies", async () => {
  const refuse = (_, response) => response.writeHead(416).end();
  await served(refuse, async (url) =>
    assert.equal(await outcome(async () => Artifact.open(await UrlBlob.open(url))), "truncated"),
  );
});
