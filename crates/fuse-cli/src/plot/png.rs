//! The smallest PNG that shows a matrix: a palette of the colour map, one byte a pixel, not compressed.
//!
//! W3C, "Portable Network Graphics (PNG) Specification", third edition; stored blocks of RFC 1951 in the
//! frame of RFC 1950. Colour 0 is transparent.

use super::image::viridis;

/// Colours beside the transparent one.
const COLORS: u8 = 255;

/// The most bytes of a stored block.
const BLOCK: usize = 0xffff;

/// The pixel of a place from 0 to 1, or of nothing.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 255")]
pub(super) fn pixel(place: Option<f64>) -> u8 {
    place.map_or(0, |place| 1 + (place * f64::from(COLORS - 1)).round() as u8)
}

/// A file of pixels, row by row.
pub(super) fn encode(pixels: &[u8], width: usize) -> Vec<u8> {
    let height = pixels.len() / width;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    // 8 bits, a palette; the only methods there are; not interlaced.
    let header = [&be(width)[..], &be(height), &[8, 3, 0, 0, 0]].concat();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"PLTE", &palette());
    chunk(&mut png, *b"tRNS", &[0]);
    // Each row begins with its filter: none.
    let rows: Vec<u8> = pixels
        .chunks(width)
        .flat_map(|row| std::iter::once(0).chain(row.iter().copied()))
        .collect();
    chunk(&mut png, *b"IDAT", &zlib(&rows));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn palette() -> Vec<u8> {
    let color = |index: u8| viridis(f64::from(index) / f64::from(COLORS - 1));
    std::iter::once([0; 3]).chain((0..COLORS).map(color)).flatten().collect()
}

fn be(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}

fn chunk(png: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    png.extend(be(data.len()));
    let start = png.len();
    png.extend(name);
    png.extend(data);
    let sum = crc32(&png[start..]);
    png.extend(sum.to_be_bytes());
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let n_blocks = data.chunks(BLOCK).len();
    for (index, block) in data.chunks(BLOCK).enumerate() {
        let len = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(index + 1 == n_blocks));
        out.extend(len.to_le_bytes());
        out.extend((!len).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(data).to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let byte = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    };
    !bytes.iter().fold(u32::MAX, byte)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

/// RFC 4648.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - group.len()));
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit)) & 63;
            let padded = digit > group.len();
            out.push(if padded { '=' } else { char::from(DIGITS[index as usize]) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check values of the specifications.
    #[test]
    fn sums_are_those_of_the_specifications() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }

    #[test]
    fn an_empty_chunk_has_the_known_bytes() {
        let png = encode(&[0, 1, 255], 3);
        assert!(png.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }
}
