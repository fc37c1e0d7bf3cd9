// Data that the page carries, compressed, in <script> elements that are no scripts.

export const canUnpack = () => typeof DecompressionStream === 'function';

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The JSON in the element with this id: base64 of a zlib stream. */
export async function unpack(id) {
  const bytes = bytesOf(document.getElementById(id).textContent.trim());
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return JSON.parse(await new Response(stream).text());
}

const blocks = new Map();

/** Steps and evidence of a case, by run; they are unpacked when first asked for, with those of its neighbours. */
export async function detailsOf(each) {
  if (each.block === undefined) return [];
  const id = `block-${each.block}`;
  if (!blocks.has(id)) blocks.set(id, unpack(id));
  return (await blocks.get(id))[each.id] ?? [];
}
