package org.kazasu.sample

import android.app.Activity
import android.content.Context
import android.nfc.NfcAdapter
import android.os.Build
import android.os.VibrationEffect
import android.os.Vibrator
import org.kazasu.CardLink
import org.kazasu.NfcReader
import org.kazasu.sample.model.CardReader
import org.kazasu.sample.ui.AntennaView

/** The phone's reader, for as long as [activity] asks for a card. */
class NfcCards(activity: Activity) : CardReader {
    private val reader = NfcReader(activity)

    override suspend fun awaitCard(): CardLink = reader.awaitCard()

    override fun close() = reader.close()
}

/** Where the antenna is, from the top (0) to the bottom (1) of the phone: as it says, else where most have it. */
fun antennaY(context: Context): Float {
    if (Build.VERSION.SDK_INT < Build.VERSION_CODES.UPSIDE_DOWN_CAKE) return AntennaView.USUAL
    val info = NfcAdapter.getDefaultAdapter(context)?.nfcAntennaInfo ?: return AntennaView.USUAL
    val antenna = info.availableNfcAntennas.firstOrNull() ?: return AntennaView.USUAL
    return (antenna.locationY.toFloat() / info.deviceHeight).coerceIn(AntennaView.RANGE)
}

/** Says without words that the card may leave. */
fun vibrateOnce(context: Context) {
    val vibrator = context.getSystemService(Vibrator::class.java) ?: return
    vibrator.vibrate(VibrationEffect.createOneShot(VIBRATION_MS, VibrationEffect.DEFAULT_AMPLITUDE))
}

private const val VIBRATION_MS = 300L
