// The containers and codecs that untrusted bytes may reach: what people record, publish and
// archive. Everything else in libav (playlists and manifests that name other files, network
// formats, game formats, images as containers) is refused as media_unreadable.
#pragma once

namespace narralytica::media {

inline constexpr const char* kDemuxers =
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dv,eac3,flac,flv,loas,matroska,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,mxf,nut,ogg,rm,tak,truehd,tta,voc,w64,wav,wv";

inline constexpr const char* kDecoders =
    // sound
    "aac,aac_latm,ac3,adpcm_g722,adpcm_g726,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,"
    "adpcm_yamaha,alac,amrnb,amrwb,ape,cook,dca,dsd_lsbf,dsd_lsbf_planar,dsd_msbf,dsd_msbf_planar,"
    "eac3,flac,g722,g723_1,g726,g729,gsm,gsm_ms,ilbc,mace3,mace6,mlp,mp1,mp1float,mp2,mp2float,"
    "mp3,mp3float,mpc7,mpc8,nellymoser,opus,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,"
    "pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,"
    "pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,"
    "pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,"
    "pcm_u8,ra_144,ra_288,real_144,real_288,s302m,sipr,speex,libspeex,tak,truehd,tta,vorbis,"
    "wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice,"
    // pictures, for the poster
    "bmp,cinepak,dnxhd,dvvideo,ffv1,flv,gif,h261,h263,h263i,h263p,h264,hevc,huffyuv,libdav1d,mjpeg,"
    "mpeg1video,mpeg2video,mpeg4,msmpeg4,msmpeg4v1,msmpeg4v2,png,prores,qtrle,rawvideo,rv30,rv40,"
    "svq1,svq3,theora,tiff,vc1,vp6,vp6f,vp8,vp9,webp,wmv1,wmv2,wmv3";

}  // namespace narralytica::media
