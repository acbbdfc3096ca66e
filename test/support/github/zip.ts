import { crc32, inflateRawSync } from 'node:zlib';

/**
 * A zip of these files, stored and not compressed: an artifact that somebody else made. Names are taken as they are, bad
 * ones too. Those in `links` are marked as symbolic links to their content.
 */
export function zipOf(files: Readonly<Record<string, string | Buffer>>, links: readonly string[] = []): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const path = Buffer.from(name, 'utf8');
    const sizes = Buffer.alloc(12);
    sizes.writeUInt32LE(crc32(bytes), 0);
    sizes.writeUInt32LE(bytes.length, 4);
    sizes.writeUInt32LE(bytes.length, 8);
    // Version 2.0, names in UTF-8, stored, 1 January 1980; then sizes, length of the name, no extra field.
    const common = Buffer.concat([u16(20), HEAD, sizes, u16(path.length), u16(0)]);
    local.push(Buffer.from('PK\x03\x04', 'latin1'), common, path, bytes);
    const place = Buffer.alloc(14);
    // No comment, first disk; attributes of Unix; where the file starts.
    place.writeUInt32LE(links.includes(name) ? LINK : 0, 6);
    place.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02', 'latin1'), u16(UNIX), common, place, path);
    offset += 4 + common.length + path.length + bytes.length;
  }
  const directory = Buffer.concat(central);
  const count = u16(Object.keys(files).length);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(directory.length, 0);
  end.writeUInt32LE(offset, 4);
  return Buffer.concat([
    ...local,
    directory,
    Buffer.from('PK\x05\x06', 'latin1'),
    u16(0),
    u16(0),
    count,
    count,
    end,
    u16(0),
  ]);
}

/** Flags (UTF-8), method (stored), time, date. */
const HEAD = Buffer.concat([u16(0x0800), u16(0), u16(0), u16(0x21)]);

/** Version 2.0, made on Unix. */
const UNIX = 0x0314;
const LINK = 0o120777 * 0x10000;

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

/** The files of a zip, by name: for looking into an artifact. Throws when the bytes are no zip. */
export function unzip(bytes: Buffer): Record<string, Buffer> {
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0) throw new Error('these bytes are no zip');
  const files: Record<string, Buffer> = {};
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, size] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const name = bytes.toString('utf8', at + 46, at + 46 + (nameLength ?? 0));
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + size);
    files[name] = method === 0 ? content : inflateRawSync(content);
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
  return files;
}
